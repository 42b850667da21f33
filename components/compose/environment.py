"""The environment of a service: its own, over that of the files it names."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.compose.checkout import Checkout, CheckoutError
from components.compose.dotenv import parse
from components.compose.fields import Fields
from components.compose.interpolation import InterpolationError


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Reads the environments of one project."""

    checkout: Checkout
    variables: Mapping[str, str]
    """Values of the stack file by their names; a mark for each that is encrypted."""

    def read(self, fields: Fields) -> dict[str, str]:
        """The environment of a service; its problems are recorded."""
        given = fields.pairs("environment")
        for name, value in given.items():
            if value is None and name not in self.variables:
                fields.refuse(
                    "environment",
                    f"names {name} with no value, and it is not set",
                    f"set gitlab-deploy:app.env.{name} or app.secrets.{name}, or take it out",
                )
        own = {name: self.variables.get(name, "") if value is None else value for name, value in given.items()}
        return {**self._of_files(fields, {**own, **self.variables}), **own}

    def _of_files(self, fields: Fields, variables: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        given = fields.value.get("env_file")
        items = given if isinstance(given, list) else [] if given is None else [given]
        for number, item in enumerate(items):
            at = (*fields.path, "env_file", number)
            file = Fields.of(fields.source, at, item if isinstance(item, Mapping) else {"path": item})
            file.only({"path", "required", "format"})
            path = file.text("path") or ""
            try:
                if file.boolean("required") is False and not self.checkout.exists(path):
                    continue
                if not self.checkout.exists(path):
                    raise CheckoutError(  # noqa: TRY301 - as for what cannot be read
                        f"names {path!r}, which is not in the checkout",
                        "set its variables as gitlab-deploy:app.env and app.secrets, name them below environment, and "
                        "mark the file 'required: false'",
                    )
                text = self.checkout.read(path).decode()
                found |= parse(text, variables, found, raw=file.text("format") == "raw")
            except (CheckoutError, InterpolationError) as error:
                fields.source.refuse(at, error.cause, error.remedy)
            except UnicodeDecodeError:
                fields.source.refuse(at, f"names {path!r}, which is not UTF-8", "save it as UTF-8")
            except ValueError as error:
                fields.source.refuse(at, f"names {path!r}, which {error}", "correct the file")
        return found
