"""What can go wrong when people handle alerts."""

from chengyi.model.errors import TerminalError


class NotNowError(TerminalError):
    """An alert does not stand where this step could follow. Facts: alert, state, why."""

    zh = "预警 {alert} 当前为“{state}”，不能办理：{why}。"
    en = "Alert {alert} is {state}: {why}."
    advice_zh = "请刷新后按当前环节办理。"
    advice_en = "Reload it, and take the step that follows from where it stands."
    exit_code = 65
