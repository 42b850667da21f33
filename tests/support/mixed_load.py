"""What a site gets from its users: new connections, connections that are kept, and forms that are sent."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

from sandbox.instance import Instance
from tests.support.docker_stack import Load
from tests.support.proxied import Answer, answered, connect, read

KEPT = 4
"""Clients that keep their connection."""
_PAUSE_SECONDS = 0.2


class MixedLoad(Load):
    """Load on new connections; beside it clients that ask and send a form in turn, each over one connection."""

    def __init__(self, instance: Instance, *, rate: int, host: str, path: str, form: str) -> None:
        """`path` is a page that shows the version, `form` one that answers a POST with it."""
        super().__init__(instance, rate, host=host, path=path)
        self._docker, self._host, self._path, self._form = instance.docker, host, path, form
        self.kept: list[Answer] = []
        """Answers over connections that are kept."""
        self.sent: list[Answer] = []
        """Answers to forms."""

    @property
    def everything(self) -> list[Answer]:
        """Every answer."""
        return [*self.answers, *self.kept, *self.sent]

    @property
    def failed(self) -> list[Answer]:
        """Requests of any kind with no answer, or another than the site's own."""
        return [answer for answer in self.everything if answer.status != 200]

    def versions(self, after: float, before: float) -> set[str]:
        """The versions that answered requests of any kind, sent between two moments."""
        return {answer.body for answer in self.everything if after < answer.asked < before}

    def _run(self) -> None:
        with ThreadPoolExecutor(KEPT) as clients:
            for _ in range(KEPT):
                clients.submit(self._client)
            super()._run()

    def _client(self) -> None:
        while not self._end.is_set():
            with closing(connect(self._docker, self._host)) as connection:
                while not self._end.wait(_PAUSE_SECONDS):
                    for answers, path, body in ((self.kept, self._path, None), (self.sent, self._form, "order=1")):
                        answers.append(answered(partial(read, connection, path, body)))
                    # The connection of an answer that did not come is no use any more.
                    if not (self.kept[-1].status and self.sent[-1].status):
                        break
