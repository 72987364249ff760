"""Invented people's names: weighted surnames, and given names combined from characters by cohort and sex.

The character lists are this project's own. The weights of the ten commonest surnames follow the published order of
surnames in China, scaled so that together they make 43.5 % and the first hundred 86.4 %.
"""

import numpy as np

_TOP = dict(
    zip("王李张刘陈杨赵黄周吴", (7.49, 7.37, 7.03, 5.40, 4.60, 3.10, 2.30, 2.15, 2.05, 2.01), strict=True),
)
_COMMON = (
    "徐孙马朱胡郭何林罗高郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖"
    "石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤"
)
_RARE = (
    "温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟申耿关兰焦俞左柳甘祝包宁尚符舒阮纪梅童凌毕单季裴霍涂成苗"
    "谷曲盛冉翁蓝路游辛靳管柴蒙鲍华喻祁房蒲滕萧屈饶解牟艾尤时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑党宫景费卜席卫柏"
)
_DOUBLE = ("欧阳", "上官", "司马", "诸葛", "夏侯", "皇甫", "尉迟", "东方", "令狐", "慕容")

_FIRST = {
    (1, 0): "德国建文志永玉福荣长金贵树成明忠清宝学春维光正世连洪富庆兴怀祖继广传有殿",
    (2, 0): "秀桂玉凤淑兰素春翠金月菊莲玲惠珍瑞巧香爱云彩锦银美雪庆文",
    (1, 1): "建国志文军卫永红晓海立新向东明春少长学金光世庆宏跃保俊胜德正富全",
    (2, 1): "秀丽桂玉红春海爱小美玲凤艳晓金淑慧月翠彩雪燕建亚惠云素文卫",
    (1, 2): "志伟建海晓俊小文永家国立天宇振子少浩鹏世金学明宏利春亚旭嘉晨",
    (2, 2): "丽晓海小婷雪静艳秀红玉燕美春文佳婉思梦慧金雅亚秋晶冬倩彩薇",
    (1, 3): "子浩宇梓俊嘉一博明天文奕泽思铭昊晨瑞景书云亦睿承逸启沐星允修",
    (2, 3): "子欣梓雨思佳语一诗可嘉若心依雅梦婉艺奕芷沐书云清悦以安宁知念",
}
_LAST = {
    (1, 0): "山林生祥才发财根福贵明清云龙海江河德义仁礼忠良田有喜堂昌泉友成安元和顺",
    (2, 0): "英兰芳珍香莲花梅凤华玲琴荣娥芝珠云秀菊贞仙桃妹如清芬素",
    (1, 1): "军强明华平国林峰斌兵民辉勇波刚生涛文新良春忠建伟东海清武成庆祥安",
    (2, 1): "英芳华霞梅红丽萍玲兰敏燕琴荣珍云艳娟霞秋香莲凤娥芬群",
    (1, 2): "伟强磊军勇涛超鹏杰波飞龙斌浩明亮辉峰凯宁鑫健东林刚毅洋文帅阳",
    (2, 2): "静丽敏娟艳霞婷芳玲燕娜莉倩颖洁蕾丹莹红梅琳慧雪萍佳怡晶瑶",
    (1, 3): "轩宇涵泽豪辰睿博阳航霖昊铭恒晨毅瑞洋诚尧哲鸣川远逸皓杰然衡",
    (2, 3): "涵萱怡欣琪彤妍瑶悦雯诺颖馨宁玥琳桐萌菲晗语汐然筱媛溪晴禾",
}
_SINGLE = {0: 0.10, 1: 0.16, 2: 0.24, 3: 0.08}

_WEST_FIRST = ("阿依努", "买合木", "古丽仙", "艾山", "热依拉", "吐尔洪", "帕提曼", "玉素甫")
_WEST_LAST = ("阿布都", "沙迪克", "依明", "卡德尔", "托合提", "尼牙孜", "巴拉提", "肉孜")
ETHNICITIES = ("汉族", "壮族", "回族", "满族", "苗族", "土家族", "彝族", "蒙古族", "藏族", "维吾尔族")
_ETHNICITY_SHARES = (0.972, 0.005, 0.005, 0.004, 0.004, 0.004, 0.002, 0.001, 0.001, 0.002)
WESTERN = ETHNICITIES.index("维吾尔族")

_LOOK_ALIKES = (
    "伟玮玮伟杨扬扬杨张章章张红虹明名华桦英瑛芳方林琳琳林玲铃敏民静靖霞暇"
    "梅枚娟捐艳燕燕艳涛滔强犟磊垒斌彬彬斌峰锋锋峰超招杰洁洁杰波坡军君君军"
    "辉晖晖辉勇永永勇刚钢钢刚平萍萍平国囯文纹建健健建志智智志秀琇桂贵贵桂"
    "珍珎兰蓝莲连凤风翠萃春椿金今玉王海诲丽莉莉丽婷停雪血佳家家佳嘉佳欣新"
    "宇字子仔浩皓皓浩轩宣涵函怡贻梓辛泽择晨辰辰晨瑞端铭名博搏思恩雨语语雨"
    "陈阵刘浏李季王汪赵超黄簧周固吴昊徐除孙逊朱未胡湖郭廓何河高膏罗锣德得"
    "福富富福荣容生升祥详清青青清成诚诚成安按学字光先正政世市庆床宏洪洪宏"
)
LOOK_ALIKES = dict(zip(_LOOK_ALIKES[::2], _LOOK_ALIKES[1::2], strict=True))


def cohort(years: np.ndarray) -> np.ndarray:
    """Return 0-3 for birth years before 1960, 1980, 2000, and after."""
    return np.asarray(np.digitize(years, [1960, 1980, 2000]))


def surnames(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw surnames by weight."""
    pool, weights = _surname_table()
    return np.asarray(pool[draw(weights, count, rng)])


def given_names(years: np.ndarray, sexes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a given name for each person, of one or two characters, by birth year and sex."""
    names = np.empty(len(years), dtype=object)
    cohorts = cohort(years)
    for (sex, group), firsts in _FIRST.items():
        at = np.flatnonzero((sexes == sex) & (cohorts == group))
        first, last = np.array(list(firsts), dtype=object), np.array(list(_LAST[sex, group]), dtype=object)
        one = last[draw(_falling(len(last)), len(at), rng)]
        two = first[draw(_falling(len(first)), len(at), rng)] + one
        names[at] = np.where(rng.random(len(at)) < _SINGLE[group], one, two)
    return names


def western_names(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw full names with a middle dot, as some minorities have them."""
    first = np.array(_WEST_FIRST, dtype=object)[rng.integers(0, len(_WEST_FIRST), count)]
    last = np.array(_WEST_LAST, dtype=object)[rng.integers(0, len(_WEST_LAST), count)]
    return np.asarray(first + "·" + last)


def ethnicities(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw indices into `ETHNICITIES`."""
    return draw(np.array(_ETHNICITY_SHARES), count, rng)


def _surname_table() -> tuple[np.ndarray, np.ndarray]:
    common = np.array([0.985**place for place in range(len(_COMMON))])
    rare = np.ones(len(_RARE))
    double = np.full(len(_DOUBLE), 0.25)
    tail = np.concatenate([rare, double])
    weights = [np.array(list(_TOP.values())), common / common.sum() * 42.9, tail / tail.sum() * 13.6]
    return np.array([*_TOP, *_COMMON, *_RARE, *_DOUBLE], dtype=object), np.concatenate(weights)


def _falling(count: int) -> np.ndarray:
    return 1.0 / (np.arange(count) + 3.0)


def draw(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw so many indices by weight."""
    bounds = np.cumsum(weights) / np.sum(weights)
    return np.minimum(np.searchsorted(bounds, rng.random(count), side="right"), len(weights) - 1)
