"""The builder's graph as plain data, and what can be done to it."""

import json
import random

import pytest
from builder_documents import random_document, random_edit

from kerasnb.errors import ArgumentError
from kerasnb.notebook.builder.document import Document


@pytest.mark.parametrize("seed", range(150))
def test_whatever_is_done_the_parts_of_a_document_fit_together(seed):
    chance = random.Random(seed)
    document = random_document(seed) if seed % 4 else Document()
    done = 0
    for _ in range(90):
        before = json.dumps(document.data())
        try:
            new = random_edit(document, chance)
        except ArgumentError:
            new = document
        assert json.dumps(document.data()) == before, "an edit changed the document it was given"
        new.check()
        done += new is not document
        document = new if len(new.nodes) < 60 else random_document(seed)
    assert done >= 5


@pytest.mark.parametrize("seed", range(20))
def test_a_document_is_json_and_comes_back(seed):
    document = random_document(seed)
    again = Document.of(json.loads(json.dumps(document.data())))
    assert again == document
    assert again.data() == document.data()
