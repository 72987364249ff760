"""Code tables that records are classified by.

Sources: record classes and retention codes as used with DA/T 13-2022 and DA/T 22-2015 (read in
secondary notes, grade A in `docs/standards.md`); sharing classes of the Regulation on Government Data
Sharing (State Council Decree 809, in force 2025-08-01).
"""

from enum import StrEnum

from chengyi.model.text import Text


class RecordClass(StrEnum):
    """门类: the class of a record, first part of the category in its archival code."""

    DOCUMENT = "WS"
    SCIENCE = "KJ"
    PERSONNEL = "RS"
    ACCOUNTING = "KU"
    SPECIALISED = "ZY"
    PHOTO = "ZP"
    AUDIO = "LY"
    VIDEO = "LX"
    DATA = "SJ"
    MAIL = "YJ"
    WEB = "WY"
    SOCIAL_MEDIA = "MT"
    OBJECT = "SW"


RECORD_CLASS_TITLES = {
    RecordClass.DOCUMENT: Text("文书", "Documents"),
    RecordClass.SCIENCE: Text("科技", "Science and technology"),
    RecordClass.PERSONNEL: Text("人事", "Personnel"),
    RecordClass.ACCOUNTING: Text("会计", "Accounting"),
    RecordClass.SPECIALISED: Text("专业", "Specialised"),
    RecordClass.PHOTO: Text("照片", "Photographs"),
    RecordClass.AUDIO: Text("录音", "Audio"),
    RecordClass.VIDEO: Text("录像", "Video"),
    RecordClass.DATA: Text("业务数据", "Business data"),
    RecordClass.MAIL: Text("邮件", "Mail"),
    RecordClass.WEB: Text("网页", "Web pages"),
    RecordClass.SOCIAL_MEDIA: Text("社交媒体", "Social media"),
    RecordClass.OBJECT: Text("实物", "Objects"),
}


class Retention(StrEnum):
    """保管期限: how long a record is kept."""

    PERMANENT = "Y"
    YEARS_30 = "D30"
    YEARS_10 = "D10"


RETENTION_TITLES = {
    Retention.PERMANENT: Text("永久", "Permanent"),
    Retention.YEARS_30: Text("定期30年", "30 years"),
    Retention.YEARS_10: Text("定期10年", "10 years"),
}


class SharingClass(StrEnum):
    """共享类型: on which terms a dataset is shared between departments."""

    UNCONDITIONAL = "unconditional"
    CONDITIONAL = "conditional"
    WITHHELD = "withheld"


SHARING_TITLES = {
    SharingClass.UNCONDITIONAL: Text("无条件共享", "Unconditional"),
    SharingClass.CONDITIONAL: Text("有条件共享", "Conditional"),
    SharingClass.WITHHELD: Text("不予共享", "Withheld"),
}


class Sensitivity(StrEnum):
    """How carefully a data element is to be shown."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
