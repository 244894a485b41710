"""What the rubric judge is made of: rubrics, the endpoint that is asked, the cache of its verdicts."""
