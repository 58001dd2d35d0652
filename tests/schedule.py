"""Which of the tests that run side by side belong together, and which come first."""

from xdist.scheduler import LoadFileScheduling

# One worker builds the book for all of these.
OF_THE_BUILT_BOOK = (
    "tests/book/test_built_book.py",
    "tests/book/test_pages_in_a_browser.py",
    "tests/book/test_play_in_a_browser.py",
    "tests/book/test_reading_in_a_browser.py",
    "tests/book/test_on_a_phone.py",
    "tests/book/test_claims_file.py",
    "tests/book/test_offered_files.py",
    "tests/book/test_print_book.py",
    "tests/book/test_pictures_that_answer.py",
    "tests/book/test_library_reference.py",
    "tests/book/test_page_measures.py",
    "tests/book/test_paper_places.py",
)
# What takes longest comes first, so that no worker waits for another at the end.
FIRST = (
    *OF_THE_BUILT_BOOK,
    "tests/regression/test_zero_against_one.py",
    "tests/paper_lib/game/test_lemmas.py",
    "tests/experiments/populations/test_rates.py",
    "tests/regression/test_stored_rates.py",
    "tests/experiments/gpu/test_batched.py",
    "tests/experiments/section5/test_validity.py",
    "tests/experiments/section5/test_bound_records.py",
    "tests/experiments/tables/test_table_1.py",
)


def rank(item):
    """Sort what comes first by its place in the list, and the rest after it."""
    file = item.nodeid.split("::")[0]
    return FIRST.index(file) if file in FIRST else len(FIRST)


class FilesTogether(LoadFileScheduling):
    """The tests of a file on one worker, in the order in which they were collected."""

    def _split_scope(self, nodeid):
        """Name what a test is to share its worker with."""
        file = nodeid.split("::")[0]
        return OF_THE_BUILT_BOOK[0] if file in OF_THE_BUILT_BOOK else file
