"""What is personal, in its disguises, and what only looks so."""

import pytest

from data_pipeline.cleaning import pii


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("您好，我是赵晓岚，最近总是失眠。", "您好，我是［姓名］，最近总是失眠。"),
        ("我叫孙博文是大二的学生。", "我叫［姓名］是大二的学生。"),
        ("我是孙浩的妈妈，他不去上学", "我是［姓名］的妈妈，他不去上学"),
        ("我叫陳怡君，今年大三", "我叫［姓名］，今年大三"),
        ("Hi, this is Zhang Meiling.", "Hi, this is ［姓名］."),
        ("身份证 11010519491231 002X，谢谢", "身份证 ［证件号］，谢谢"),
        ("110105 19491231 002X", "［证件号］"),
        ("电话：一三八零零一三八零零零", "电话：［电话］"),
        ("①③⑧００１３８000", "［电话］"),
        ("131*4520*7788", "［电话］"),
        ("加我V：quiet_rain88 细聊", "加我V：［微信］ 细聊"),
        ("薇信quiet_rain88", "薇信［微信］"),
        ("扣扣：一二三四五六七", "扣扣：［QQ］"),
        ("q号 2345 678 901", "q号 ［QQ］"),
        ("发到zhangsan(at)qq.com", "发到［邮箱］"),
        ("卡号6222021001112345670", "卡号［卡号］"),
        ("4111 1111 1111 1111", "［卡号］"),
        ("服务器192.168.1.20", "服务器［网络地址］"),
        ("住在珞喻路 1037 号 3 栋 502", "住在［地址］"),
    ],
)
def test_what_is_personal_becomes_a_placeholder(text, redacted):
    assert pii.redact(text)[0] == redacted
    assert pii.redact(redacted)[0] == redacted


@pytest.mark.parametrize(
    "text",
    [
        "详见手册第4.2.1.3节。",
        "学生高一，男生占六成。",
        "房间里3号球被取出。",
        "微信Android版用户。",
        "样本量为136 2458 1024人，另有20000人。",
        "票房13900000000元，订单号13812345678",
        "我是高兴还是难过？我叫他别走。",
        "求助者明白不是只有她自己，咨询师陈述主要内容。",
        "王老师说得对，张厚粲教授主编的《心理学》",
        "可拨打12356、010-82951332或400-161-9995。",
        "4111 1111 1111 1112",
        "110105 19491231 0021",
    ],
)
def test_what_only_looks_personal_stays(text):
    assert pii.redact(text)[0] == text
