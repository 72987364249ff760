"""The options that most commands share."""

from pathlib import Path
from typing import Annotated

import typer

HOME = Path("home")
HomeOption = Annotated[Path, typer.Option("--home", envvar="CHENGYI_HOME", help="节点目录。 The node's home.")]
JsonOption = Annotated[bool, typer.Option("--json", help="以 JSON 输出。 Answer in JSON.")]
