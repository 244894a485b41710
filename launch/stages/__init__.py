"""One module per stage, each with ``run(context) -> counts``; ``launch.pipeline`` calls them."""
