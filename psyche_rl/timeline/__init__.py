"""What each worker and the learner did when: noted by ``lane``, kept by ``timeline_file``."""
