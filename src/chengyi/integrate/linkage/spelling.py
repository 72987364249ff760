"""Forms of a name by which it is compared: cleaned, split, sounded, and drawn.

Rules: a form is computed once for each distinct name; a Chinese name is a surname and given characters, any other
name is words; surnames are read as surnames (单 shan, 仇 qiu); sounds carry no tone and merge the pairs that ears and
input methods confuse (zh/z, ch/c, sh/s, ng/n); characters that clerks mistake for one another share a drawn form.

Sources: surname readings after 现代汉语词典 (7th ed.); variants after 第一批异体字整理表 and 通用规范汉字表.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_COMPOUND = (
    "欧阳 上官 皇甫 尉迟 司马 诸葛 长孙 万俟 令狐 夏侯 慕容 司徒 司空 端木 公孙 东方 独孤 南宫 宇文 轩辕 钟离 闾丘 "
    "濮阳 淳于 单于 太叔 申屠 公羊 赫连 澹台 宗政 拓跋 呼延 鲜于 西门 东郭 南郭 百里 第五 仲孙 左丘 梁丘"
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())

SURNAME_READINGS = {
    "单": "shan", "仇": "qiu", "区": "ou", "查": "zha", "盖": "ge", "尉迟": "yuchi", "解": "xie", "任": "ren",
    "朴": "piao", "曾": "zeng", "翟": "zhai", "乐": "yue", "缪": "miao", "覃": "qin", "员": "yun", "晁": "chao",
    "黑": "he", "秘": "bi", "种": "chong", "召": "shao", "折": "she", "冼": "xian", "万俟": "moqi", "长孙": "zhangsun",
    "令狐": "linghu", "澹台": "tantai", "宁": "ning", "葛": "ge", "华": "hua", "纪": "ji", "都": "du", "句": "gou",
    "那": "na", "能": "nai", "佘": "she", "石": "shi", "殷": "yin", "应": "ying", "於": "yu", "訾": "zi", "祭": "zhai",
    "隗": "wei", "郗": "xi", "谌": "chen", "洗": "xian", "粘": "nian", "牟": "mu", "阚": "kan", "过": "guo",
    "沈": "shen", "薄": "bo", "贲": "ben", "叶": "ye", "晟": "cheng", "相": "xiang", "尉": "wei", "鲜于": "xianyu",
    "宓": "mi", "乜": "nie", "阙": "que", "车": "che", "卜": "bu", "曲": "qu", "撒": "sa", "逄": "pang", "幺": "yao",
    "尹": "yin", "褚": "chu", "俞": "yu", "洪": "hong", "单于": "chanyu", "繁": "po", "呙": "guo", "仉": "zhang",
    "丁": "ding", "么": "yao", "哈": "ha", "娄": "lou", "贾": "jia", "柏": "bai", "宿": "su", "行": "xing",
}  # fmt: skip

_LOOKALIKES = (
    "伟玮炜纬韦苇 婷停亭 锋峰烽蜂峯 晴睛 梅海 莉利俐 燕艳 丽俪 敏闵 杰洁 芳方 辉晖 静靖 红虹 娟绢 强強 健键建 "
    "哲喆 昇升 堃坤 珮佩 淼森 琪琦淇祺 瑶遥谣 萍苹平 颖颍 玲铃岭 涛滔 鹏朋 宁甯 洋样祥 浩皓 明朋 俊峻骏竣 彬斌 "
    "勇永 云芸 鸿鸿 霞暇 倩情 凯恺 欣心 新薪 怡恰 雨宇 子孑 己已巳 戊戌戍 日曰 未末 千干 天夫 土士 王玉 人入 "
    "巨臣 兰蓝 璐露 嘉佳 妍研 琳林 秀绣 荣蓉 钰玉 刚钢 雪霄 茹如 瑾谨 璇旋 睿叡 栋楝 桦华 烨晔 炎焱 粟栗 铭名 "
    "昊旲 雯文 菲非 陈阵 刘浏 汪注 沈沉 候侯 肖萧 闫阎 付傅 戴代 余佘 祁祈 冯马 邱丘 兖衮 岳嶽 泽择 杨扬 柱住 "
    "棠裳 贤坚 景影 智知 志忠 宏弘 军君 国囯 晓筱 小少 东冬 青清 龙尤 春舂 凤风 桂挂 生圣 立丽"
)
_TRADITIONAL = (
    "張张 劉刘 陳陈 楊杨 趙赵 黃黄 吳吴 孫孙 馬马 羅罗 鄭郑 謝谢 許许 韓韩 馮冯 鄧邓 蕭萧 葉叶 蘇苏 呂吕 蔣蒋 賈贾 "
    "閻阎 鍾钟 盧卢 陸陆 範范 譚谭 鄒邹 陽阳 龔龚 萬万 錢钱 嚴严 賴赖 龍龙 偉伟 麗丽 華华 國国 軍军 紅红 蘭兰 鳳凤 "
    "輝辉 劍剑 鵬鹏 東东 強强 榮荣 愛爱 傑杰 潔洁 靜静 瓊琼 貴贵 嬌娇 曉晓 慶庆 寧宁 濤涛 義义 雲云 飛飞 堅坚 興兴 "
    "銀银 鋒锋 峯峰 艷艳 連连 蓮莲 瑩莹 穎颖 澤泽 豔艳 樹树 權权 業业 棟栋 樂乐 陰阴 煒炜 瑋玮 緯纬 衛卫 韋韦"
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇]")
_WORD = re.compile(r"[^\W_]+")
_DOTS = str.maketrans(dict.fromkeys("·•．‧・∙.", " "))
_FUZZY = ((re.compile(r"^([zcs])h"), r"\1"), (re.compile(r"ng$"), "n"))
_LETTERS = {
    letter: group for group, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for letter in letters
}
_MAX_WORDS = 6


@dataclass(frozen=True, slots=True)
class Spelling:
    """The forms of one name: as written, in parts, in sounds, and as drawn."""

    text: str
    parts: tuple[str, ...]
    sounds: tuple[str, ...]
    drawn: str
    family: str
    given: str
    han: bool


def spell(name: str) -> Spelling:
    """Return the forms of one name; an empty or unreadable name has empty forms."""
    text = unicodedata.normalize("NFKC", name).casefold().translate(_simplified())
    solid = "".join(text.split())
    if solid and len(_HAN.findall(solid)) == len(solid):
        return _spell_han(solid)
    return _spell_words(text.translate(_DOTS))


def _spell_han(text: str) -> Spelling:
    width = 2 if len(text) > 2 and text[:2] in COMPOUND_SURNAMES else 1
    family, given = text[:width], text[width:]
    reading = SURNAME_READINGS.get(family) or "".join(map(_reading, family))
    sounds = (_blur(reading), *(_blur(_reading(character)) for character in given))
    parts = ("^" + family, *given)
    return Spelling(text, parts[:_MAX_WORDS], sounds[:_MAX_WORDS], draw(text), family, given, han=True)


def _spell_words(text: str) -> Spelling:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = _WORD.findall(plain.replace("'", ""))
    sounds = tuple(sound_word(word) for word in words)
    joined = " ".join(words)
    return Spelling(joined, tuple(words), sounds, draw(joined), *_ends(words), han=False)


def _ends(words: list[str]) -> tuple[str, str]:
    return (words[-1], words[0]) if words else ("", "")


def draw(text: str) -> str:
    """Return the text with every character replaced by the first of those it is mistaken for."""
    return text.translate(_drawn())


def sound_word(word: str) -> str:
    """Return a soundex-like code of one word: first letter and up to four consonant groups; Chinese is read aloud."""
    if _HAN.match(word):
        return "".join(_blur(_reading(character)) for character in word)
    groups = [str(_LETTERS[letter]) if letter in _LETTERS else "" for letter in word]
    kept = [group for place, group in enumerate(groups) if group and (place == 0 or groups[place - 1] != group)]
    tail = kept[1:] if groups and groups[0] else kept
    return word[:1] + "".join(tail[:4])


@lru_cache(maxsize=32_768)
def _reading(character: str) -> str:
    from pypinyin import lazy_pinyin

    return str(lazy_pinyin(character)[0])


@lru_cache(maxsize=4_096)
def _blur(syllable: str) -> str:
    for pattern, short in _FUZZY:
        syllable = pattern.sub(short, syllable)
    return syllable


@lru_cache(maxsize=1)
def _drawn() -> dict[int, str]:
    table: dict[int, str] = {}
    for group in _LOOKALIKES.split():
        for character in group[1:]:
            table.setdefault(ord(character), group[0])
    return table


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    return {ord(pair[0]): pair[1] for pair in _TRADITIONAL.split()}
