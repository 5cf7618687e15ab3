"""One's own video and sentence: a trained run answers where in the video it is.

retriever = Retriever.open("results/demo/runs/img/seed0")
video = retriever.encode("my.mp4")
answers = retriever.answer(video, "a red ball", answers=5)
"""

from img.retrieval.answers import Answer
from img.retrieval.encoding.video import EncodedVideo
from img.retrieval.retriever import Retriever

__all__ = ["Answer", "EncodedVideo", "Retriever"]
