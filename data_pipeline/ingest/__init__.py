"""Reading what users bring: texts, posts with replies, and exam questions, in many shapes."""

from data_pipeline.ingest.exam_questions import ingest_questions
from data_pipeline.ingest.passages import ingest_passages
from data_pipeline.ingest.posts import ingest_posts

__all__ = ["ingest_passages", "ingest_posts", "ingest_questions"]
