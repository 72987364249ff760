"""Why two mentions are held to be one person, in words a clerk can check.

Rules: a reason is a code with a text in both languages; codes are stored, texts are shown; a reason states an
observation about the two records, never a verdict about a person (promise 7).
"""

from types import MappingProxyType

from chengyi.model.text import Text

REASONS: MappingProxyType[str, Text] = MappingProxyType(
    {
        "same_id": Text("公民身份号码相同且有效", "Same valid citizen number"),
        "near_id": Text(
            "公民身份号码仅个别数字不同，疑为误录", "Citizen numbers differ in a digit or two: likely a slip"
        ),
        "same_profile": Text(
            "姓名、出生日期及住址等登记内容完全一致", "Name, birth date and particulars are all identical"
        ),
        "same_name": Text("姓名相同", "Same name"),
        "rare_name": Text("姓名相同且少见", "Same name, and a rare one"),
        "variant_name": Text(
            "姓名形近或异体：如“玮”与“伟”", "Names look alike or use variant characters, as 玮 and 伟"
        ),
        "sound_name": Text("姓名音同或音近", "Names sound alike"),
        "similar_name": Text("姓名大体一致，个别字不同", "Names are nearly the same"),
        "same_birth_date": Text("出生日期相同", "Same birth date"),
        "similar_birth_date": Text("出生日期相近，个别数字不同", "Birth dates differ in a digit or two"),
        "same_birth_year": Text("出生年份相同", "Same birth year"),
        "same_sex": Text("性别相同", "Same sex"),
        "same_address": Text("住址相同", "Same address"),
        "similar_address": Text("住址大体一致", "Addresses are nearly the same"),
        "same_phone": Text("联系电话相同", "Same telephone number"),
        "similar_phone": Text("联系电话仅个别数字不同", "Telephone numbers differ in a digit"),
        "same_household": Text("户号相同", "Same household number"),
        "same_extra": Text("出生地、单位等其他信息相符", "Other particulars, such as birth place or employer, agree"),
        "overall": Text("各项信息综合判断相近", "Alike when all particulars are weighed together"),
        "different_name": Text("姓名不同", "Different names"),
        "different_birth_date": Text("出生日期不同", "Different birth dates"),
        "different_sex": Text("性别不同", "Different sex"),
        "same_household_other_person": Text(
            "同户或同址但名字、生日不同，疑为家庭成员",
            "Same household or address but another given name or birthday: likely family",
        ),
        "same_single_source": Text(
            "同一来源中每人只登记一次，两条记录应属两人",
            "The source lists each person once, so two of its rows are two people",
        ),
        "different_ids": Text("两条记录的有效身份号码不同", "The two records hold different valid citizen numbers"),
        "shared_id": Text(
            "同一身份号码登记了明显不同的人，疑为借用或误录",
            "One citizen number is used by clearly different people: borrowed or mistyped",
        ),
    }
)
