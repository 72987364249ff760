"""The sixteen sources of the district: which department delivers what, in which carrier and under which contract.

Rules: the sender's own column names stand here and nowhere else; an identifier that fails its check loses only itself
(`on_fault = "value"`), so that its row can still be linked; what a row cannot do without sets the row aside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Carrier = Literal["csv", "xlsx", "jsonl", "sqlite", "parquet", "sql", "documents"]

PERSON = MappingProxyType({"kind": "person", "citizen_id": "citizen_id", "name": "person_name"})
HOUSEHOLD = MappingProxyType({"kind": "household", "household": "household_no"})
_LENIENT = frozenset(
    {"citizen_id", "husband_id", "wife_id", "phone", "guardian_phone", "credit_code", "sex", "value", "speed_kmh"}
)


@dataclass(frozen=True, slots=True)
class Sending:
    """One source: who, where, how, and what its columns mean (`columns`: data element -> the sender's name)."""

    id: str
    zh: str
    en: str
    department: str
    fonds: str
    folder: str
    carrier: Carrier
    dataset: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    snapshot: Literal["full", "delta"] = "full"
    sharing: str = "conditional"
    retention: str = "D30"
    record_class: str = "SJ"
    encoding: str = "utf-8"
    delimiter: str = ","
    end: str = "\n"
    within: str = ""
    entities: tuple[Mapping[str, str], ...] = ()
    checks: tuple[Mapping[str, Any], ...] = ()
    synonyms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    empty: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)


def _person(*roles: str) -> Mapping[str, str]:
    named = {"household": "household_no"}
    return MappingProxyType({**PERSON, **{role: named.get(role, role) for role in roles}})


def _named(text: str) -> Mapping[str, str]:
    return MappingProxyType(dict(pair.split("=") for pair in text.split()))


SENDINGS: tuple[Sending, ...] = (
    Sending(
        "police-population", "人口基本信息", "Population register", "区公安分局", "Y001", "police", "csv", "population",
        _named(
            "household_no=户号 citizen_id=公民身份号码 person_name=姓名 former_name=曾用名 sex=性别代码 ethnicity=民族 "
            "birth_date=出生日期 relation_to_head=与户主关系 area_code=区划内详细代码 address=户籍地址 phone=联系电话 "
            "residence_status=户籍状态 register_date=变动日期"
        ),
        required=("person_name", "birth_date"),
        key=("citizen_id", "person_name"),
        encoding="gb18030", end="\r\n", retention="Y",
        entities=(_person("sex", "birth_date", "address", "phone", "household"), HOUSEHOLD),
        checks=({"rule": "not_after", "fields": ("birth_date", "register_date")},),
        formats={"birth_date": "%Y%m%d", "register_date": "%Y%m%d"},
    ),
    Sending(
        "civil-low-income", "低保对象名册", "Low-income roll", "区民政局",
        "Y002", "civil/low_income", "xlsx", "low_income",
        _named(
            "household_no=家庭编号 person_name=对象姓名 citizen_id=身份证号 aid_kind=救助类别 monthly_amount=月保障金 "
            "household_monthly_income=家庭月收入 start_date=批准日期 end_date=停发日期 phone=联系方式 address=家庭住址"
        ),
        required=("person_name", "aid_kind"),
        within="名册",
        entities=(_person("address", "phone", "household"),),
        checks=({"rule": "not_after", "fields": ("start_date", "end_date")},),
        empty={"phone": ("无", "不详", "/")},
        formats={"start_date": "%Y年%m月%d日", "end_date": "%Y年%m月%d日"},
    ),
    Sending(
        "civil-marriages", "婚姻登记", "Marriage register", "区民政局", "Y002", "civil/marriages", "csv", "marriages",
        _named(
            "certificate_no=证书字号 marriage_kind=登记类别 register_date=登记日期 husband_name=男方姓名 "
            "husband_id=男方身份证件号 wife_name=女方姓名 wife_id=女方身份证件号"
        ),
        required=("certificate_no", "register_date"),
        key=("certificate_no",),
        encoding="utf-8-sig", retention="Y",
        entities=(
            {"kind": "person", "citizen_id": "husband_id", "name": "husband_name"},
            {"kind": "person", "citizen_id": "wife_id", "name": "wife_name"},
        ),
        formats={"register_date": "%Y年%m月%d日"},
    ),
    Sending(
        "education-students", "学籍信息", "School roll", "区教育局", "Y003", "education", "xlsx", "students",
        _named(
            "school=学校 grade=年级 person_name=学生姓名 sex=性别 birth_date=出生年月日 citizen_id=身份证件号 "
            "guardian_name=监护人 guardian_phone=监护人电话 address=现住址 enrol_date=入学年月"
        ),
        required=("person_name", "school"),
        within="Sheet1",
        entities=(_person("sex", "birth_date", "address"),),
        checks=({"rule": "not_after", "fields": ("birth_date", "enrol_date")},),
    ),
    Sending(
        "health-visits", "就诊结算信息", "Hospital visits", "区卫生健康局",
        "Y004", "health", "jsonl", "hospital_visits",
        _named(
            "visit_no=jzlsh citizen_id=sfzh person_name=xm sex=xb birth_date=csrq visit_date=jzrq disease=zdmc "
            "hospital=yymc total_cost=zfy self_paid=grzf"
        ),
        required=("visit_no", "visit_date"),
        key=("visit_no",), snapshot="delta",
        entities=(_person("sex", "birth_date"),),
        checks=(
            {"rule": "not_after", "fields": ("self_paid", "total_cost")},
            {"rule": "in_range", "fields": ("total_cost",), "low": "0"},
        ),
    ),
    Sending(
        "housing-survey", "房屋安全普查", "Housing safety survey",
        "区住房建设局", "Y005", "housing", "sqlite", "housing",
        _named(
            "house_no=HOUSE_NO person_name=OWNER citizen_id=OWNER_ID address=ADDR area_m2=AREA housing_kind=KIND "
            "safety_grade=SAFETY survey_date=SURVEY_DATE"
        ),
        required=("house_no", "safety_grade"),
        key=("house_no",), within="survey",
        entities=(_person("address"),),
        checks=({"rule": "in_range", "fields": ("area_m2",), "low": "5", "high": "2000"},),
    ),
    Sending(
        "labour-insurance", "社会保险参保信息", "Social insurance", "区人力资源社会保障局", "Y006", "labour", "csv",
        "social_insurance",
        _named(
            "insured_month=费款所属期 person_name=姓名 citizen_id=社会保障号码 insurance_kind=险种类型 "
            "insurance_status=参保状态 credit_code=单位信用代码 employer=单位名称 monthly_base=缴费基数"
        ),
        required=("person_name", "insured_month"),
        snapshot="delta", delimiter="\t",
        entities=(_person(), {"kind": "organisation", "credit_code": "credit_code", "name": "employer"}),
    ),
    Sending(
        "disability-certificates", "残疾人证台账", "Disability certificates", "区残联", "Y007", "disabled", "csv",
        "disability",
        _named(
            "certificate_no=证件编号 person_name=残疾人姓名 sex=性别 citizen_id=身份证号码 birth_date=出生日期 "
            "disability_type=残疾类别 disability_grade=残疾等级 issue_date=发证日期 phone=电话 address=居住地址"
        ),
        required=("certificate_no", "person_name", "disability_grade"),
        key=("certificate_no",),
        encoding="gb18030",
        entities=(_person("sex", "birth_date", "address", "phone"),),
        checks=({"rule": "not_after", "fields": ("birth_date", "issue_date")},),
    ),
    Sending(
        "emergency-relief", "受灾救助台账", "Disaster relief", "区应急管理局",
        "Y008", "emergency", "xlsx", "disaster_relief",
        _named(
            "relief_no=编号 disaster_kind=灾种 disaster_date=受灾时间 person_name=户主 household_no=户号 phone=手机 "
            "address=受灾地址 loss_amount=核定损失（元） relief_amount=发放救助（元）"
        ),
        required=("relief_no", "person_name"),
        key=("relief_no",), within="台账",
        entities=({"kind": "person", "name": "person_name", "address": "address", "phone": "phone",
                   "household": "household_no"},),
        checks=({"rule": "not_after", "fields": ("relief_amount", "loss_amount")},),
    ),
    Sending(
        "charity-donations", "慈善捐助", "Donations", "区慈善会", "Y009", "charity", "jsonl", "donations",
        _named("donation_no=no donated_at=time donor=from person_name=to citizen_id=toId amount=amount"),
        required=("donation_no", "amount"),
        key=("donation_no",), snapshot="delta", sharing="unconditional",
        entities=(_person(),),
        checks=({"rule": "in_range", "fields": ("amount",), "low": "0"},),
    ),
    Sending(
        "agriculture-subsidy", "惠农补贴", "Farm subsidies", "区农业农村局",
        "Y010", "agriculture", "csv", "farm_subsidy",
        _named(
            "year=补贴年度 household_no=农户编码 person_name=农户姓名 citizen_id=身份证 address=住址 crop=作物 "
            "area_mu=面积(亩) subsidy_amount=补贴金额(元)"
        ),
        required=("person_name", "year"),
        encoding="utf-8-sig",
        entities=(_person("address", "household"),),
        checks=({"rule": "in_range", "fields": ("area_mu",), "low": "0", "high": "10000"},),
    ),
    Sending(
        "market-enterprises", "市场主体登记", "Register of enterprises", "区市场监管局", "Y011", "market", "parquet",
        "enterprises",
        _named(
            "credit_code=uscc org_name=entity_name legal_representative=legal_person industry=industry "
            "address=registered_address founded_at=established org_status=status"
        ),
        required=("org_name",),
        key=("credit_code",), sharing="unconditional", retention="Y",
        entities=(
            {"kind": "organisation", "credit_code": "credit_code", "name": "org_name", "address": "address"},
        ),
    ),
    Sending(
        "traffic-detectors", "路段检测数据", "Road detectors", "区交警大队", "Y012", "traffic", "csv", "detectors",
        _named(
            "section_id=路段编号 section_name=路段名称 road_class=道路等级 free_flow_kmh=自由流速度 "
            "observed_at=采集时间 speed_kmh=平均速度 flow_vph=小时流量"
        ),
        required=("section_id", "observed_at"),
        key=("section_id", "observed_at"), snapshot="delta", sharing="unconditional", retention="D10",
        checks=({"rule": "in_range", "fields": ("speed_kmh",), "low": "0", "high": "200"},),
    ),
    Sending(
        "services-cases", "政务服务办件", "Service cases", "区政务服务局", "Y013", "services", "sql", "cases",
        _named(
            "case_no=case_no matter=matter department_name=dept person_name=applicant citizen_id=applicant_id "
            "accepted_at=accept_time due_at=promise_time closed_at=finish_time step_count=steps "
            "material_count=materials"
        ),
        required=("case_no", "accepted_at"),
        key=("case_no",), within="cases",
        entities=(_person(),),
        checks=(
            {"rule": "not_after", "fields": ("accepted_at", "due_at")},
            {"rule": "not_after", "fields": ("accepted_at", "closed_at")},
        ),
    ),
    Sending(
        "water-sensors", "水情监测", "Water sensors", "区水务局", "Y014", "water", "jsonl", "sensors",
        _named("station_id=stcd station_name=stnm quantity=item unit=unit observed_at=tm value=val"),
        required=("station_id", "observed_at"),
        key=("station_id", "observed_at", "quantity"), snapshot="delta", sharing="unconditional", retention="D10",
    ),
    Sending(
        "archives-documents", "文书档案", "Documents", "区档案馆", "Y015", "archives", "documents",
        retention="Y", record_class="WS",
    ),
)  # fmt: skip


def header(sending: Sending, elements: Sequence[str]) -> list[str]:
    """Return the sender's names of these data elements."""
    return [sending.columns[element] for element in elements]


def toml(sending: Sending, files: Sequence[str]) -> str:
    """Return the complete source file of one department; `files` are the deliveries that it owes."""
    lines = [
        "# 演示数据：云汀区及其人名地名均系虚构。 Demonstration data: everything in it is invented.",
        "[source]",
        f'id = "{sending.id}"',
        f'title = {{ zh = "{sending.zh}", en = "{sending.en}" }}',
        f'department = "{sending.department}"',
        f'fonds = "{sending.fonds}"',
        f'record_class = "{sending.record_class}"',
        f'retention = "{sending.retention}"',
        f'sharing = "{sending.sharing}"',
        'changed = "version"',
        "",
        *_connector(sending),
        *_reader(sending),
        "[expected]",
        *_expected(sending, files),
        "",
        *(_contract(sending) if sending.dataset else ()),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _connector(sending: Sending) -> list[str]:
    folder = f"deliveries/{sending.folder}"
    if sending.carrier == "sql":
        return ["[connector]", 'kind = "sql"', f'url = "sqlite:///{folder}/services.db"', 'table = "cases"',
                'order_by = "case_no"', ""]  # fmt: skip
    if sending.carrier == "documents":
        return ["[connector]", 'kind = "documents"', f'path = "{folder}"', ""]
    return ["[connector]", 'kind = "folder"', f'path = "{folder}"', f'pattern = "*.{suffix(sending)}"', ""]


def suffix(sending: Sending) -> str:
    """Return how the names of a sender's files end."""
    if sending.delimiter == "\t":
        return "tsv"
    return {"sqlite": "db"}.get(sending.carrier, sending.carrier)


def _reader(sending: Sending) -> list[str]:
    if sending.carrier in {"sql", "documents"}:
        return []
    lines = ["[reader]", f'format = "{sending.carrier}"']
    if sending.carrier == "csv":
        lines += [f'encoding = "{sending.encoding.removesuffix("-sig")}"', f"delimiter = {_value(sending.delimiter)}"]
    if sending.carrier == "xlsx":
        lines.append(f'sheet = "{sending.within}"')
    if sending.carrier == "sqlite":
        lines.append(f'table = "{sending.within}"')
    return [*lines, ""]


def _expected(sending: Sending, files: Sequence[str]) -> list[str]:
    if sending.carrier in {"sql", "documents"}:
        return [f"deliveries = {len(files)}"]
    return [f"sequences = {_value(tuple(files))}"]


def _contract(sending: Sending) -> list[str]:
    lines = [
        "[contract]",
        f'dataset = "{sending.dataset}"',
        f'title = {{ zh = "{sending.zh}", en = "{sending.en}" }}',
        f'snapshot = "{sending.snapshot}"',
    ]
    lines += [f"key = {_value(sending.key)}"] if sending.key else []
    for element, name in sending.columns.items():
        lines += ["", "[[contract.column]]", *_pairs(_column(sending, element, name))]
    for check in sending.checks:
        lines += ["", "[[contract.check]]", *_pairs(check)]
    for entity in sending.entities:
        lines += ["", "[[contract.entity]]", *_pairs(entity)]
    return lines


def _column(sending: Sending, element: str, name: str) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "element": element}
    if element in sending.required:
        column["required"] = True
    if element in sending.formats:
        column["format"] = sending.formats[element]
    if element in sending.empty:
        column["empty"] = sending.empty[element]
    if element in sending.synonyms:
        column["synonyms"] = sending.synonyms[element]
    if element in _LENIENT:
        column["on_fault"] = "value"
    return column


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items()]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_value(key)} = {_value(each)}' for key, each in value.items())} }}"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{text}"'
