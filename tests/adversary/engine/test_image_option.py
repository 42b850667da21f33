"""An image is what CI says it is: any text."""

from tests.support.project import Project


def test_an_image_is_never_an_option_of_pulumi(small: Project) -> None:
    small.init()
    profile = small.folder / "profile"
    run = small.run("pulumi", "config", "set", "gitlab-deploy:image", "--stack", "test", "--", f"--profiling={profile}")
    assert run.code == 0, run.text
    assert small.pulumi("config", "get", "gitlab-deploy:image").stdout.strip() == f"--profiling={profile}"
    assert list(small.folder.glob("profile*")) == []
