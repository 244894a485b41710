"""Items of benchmarks, made of the published files as they are found."""
