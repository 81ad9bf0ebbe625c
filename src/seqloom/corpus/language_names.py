"""Tables of languages, for `languages.py`: English names, codes of three letters, names of scripts and regions.

They contain all languages of ISO 639-1, and languages without a code of two letters that are frequent in data sets.
"""

# For each language: code of two letters, terminological code of three letters, bibliographic code if it differs (a dash stands
# for a missing code), and the English name with underscores for spaces.
_LANGUAGES = """
aa aar - Afar              ab abk - Abkhazian         ae ave - Avestan           af afr - Afrikaans
ak aka - Akan              am amh - Amharic           an arg - Aragonese         ar ara - Arabic
as asm - Assamese          av ava - Avaric            ay aym - Aymara            az aze - Azerbaijani
ba bak - Bashkir           be bel - Belarusian        bg bul - Bulgarian         bi bis - Bislama
bm bam - Bambara           bn ben - Bengali           bo bod tib Tibetan         br bre - Breton
bs bos - Bosnian           ca cat - Catalan           ce che - Chechen           ch cha - Chamorro
co cos - Corsican          cr cre - Cree              cs ces cze Czech           cu chu - Church_Slavic
cv chv - Chuvash           cy cym wel Welsh           da dan - Danish            de deu ger German
dv div - Divehi            dz dzo - Dzongkha          ee ewe - Ewe               el ell gre Greek
en eng - English           eo epo - Esperanto         es spa - Spanish           et est - Estonian
eu eus baq Basque          fa fas per Persian         ff ful - Fulah             fi fin - Finnish
fj fij - Fijian            fo fao - Faroese           fr fra fre French          fy fry - Western_Frisian
ga gle - Irish             gd gla - Scottish_Gaelic   gl glg - Galician          gn grn - Guarani
gu guj - Gujarati          gv glv - Manx              ha hau - Hausa             he heb - Hebrew
hi hin - Hindi             ho hmo - Hiri_Motu         hr hrv - Croatian          ht hat - Haitian_Creole
hu hun - Hungarian         hy hye arm Armenian        hz her - Herero            ia ina - Interlingua
id ind - Indonesian        ie ile - Interlingue       ig ibo - Igbo              ii iii - Sichuan_Yi
ik ipk - Inupiaq           io ido - Ido               is isl ice Icelandic       it ita - Italian
iu iku - Inuktitut         ja jpn - Japanese          jv jav - Javanese          ka kat geo Georgian
kg kon - Kongo             ki kik - Kikuyu            kj kua - Kuanyama          kk kaz - Kazakh
kl kal - Kalaallisut       km khm - Khmer             kn kan - Kannada           ko kor - Korean
kr kau - Kanuri            ks kas - Kashmiri          ku kur - Kurdish           kv kom - Komi
kw cor - Cornish           ky kir - Kyrgyz            la lat - Latin             lb ltz - Luxembourgish
lg lug - Ganda             li lim - Limburgish        ln lin - Lingala           lo lao - Lao
lt lit - Lithuanian        lu lub - Luba-Katanga      lv lav - Latvian           mg mlg - Malagasy
mh mah - Marshallese       mi mri mao Maori           mk mkd mac Macedonian      ml mal - Malayalam
mn mon - Mongolian         mr mar - Marathi           ms msa may Malay           mt mlt - Maltese
my mya bur Burmese         na nau - Nauru             nb nob - Bokmål            nd nde - North_Ndebele
ne nep - Nepali            ng ndo - Ndonga            nl nld dut Dutch           nn nno - Nynorsk
no nor - Norwegian         nr nbl - South_Ndebele     nv nav - Navajo            ny nya - Chichewa
oc oci - Occitan           oj oji - Ojibwa            om orm - Oromo             or ori - Odia
os oss - Ossetian          pa pan - Punjabi           pi pli - Pali              pl pol - Polish
ps pus - Pashto            pt por - Portuguese        qu que - Quechua           rm roh - Romansh
rn run - Rundi             ro ron rum Romanian        ru rus - Russian           rw kin - Kinyarwanda
sa san - Sanskrit          sc srd - Sardinian         sd snd - Sindhi            se sme - Northern_Sami
sg sag - Sango             si sin - Sinhala           sk slk slo Slovak          sl slv - Slovenian
sm smo - Samoan            sn sna - Shona             so som - Somali            sq sqi alb Albanian
sr srp - Serbian           ss ssw - Swati             st sot - Southern_Sotho    su sun - Sundanese
sv swe - Swedish           sw swa - Swahili           ta tam - Tamil             te tel - Telugu
tg tgk - Tajik             th tha - Thai              ti tir - Tigrinya          tk tuk - Turkmen
tl tgl - Tagalog           tn tsn - Tswana            to ton - Tongan            tr tur - Turkish
ts tso - Tsonga            tt tat - Tatar             tw twi - Twi               ty tah - Tahitian
ug uig - Uyghur            uk ukr - Ukrainian         ur urd - Urdu              uz uzb - Uzbek
ve ven - Venda             vi vie - Vietnamese        vo vol - Volapük           wa wln - Walloon
wo wol - Wolof             xh xho - Xhosa             yi yid - Yiddish           yo yor - Yoruba
za zha - Zhuang            zh zho chi Chinese         zu zul - Zulu
- arb - Standard_Arabic    - ary - Moroccan_Arabic    - arz - Egyptian_Arabic    - ast - Asturian
- ber - Berber             - ceb - Cebuano            - chr - Cherokee           - ckb - Central_Kurdish
- cmn - Mandarin           - fil - Filipino           - gsw - Swiss_German       - haw - Hawaiian
- hsb - Upper_Sorbian      - dsb - Lower_Sorbian      - kab - Kabyle             - kmr - Northern_Kurdish
- lfn - Lingua_Franca_Nova - lzh - Literary_Chinese   - nds - Low_German         - pes - Iranian_Persian
- pnb - Western_Punjabi    - scn - Sicilian           - szl - Silesian           - tlh - Klingon
- tok - Toki_Pona          - tpi - Tok_Pisin          - vec - Venetian           - war - Waray
- wuu - Wu_Chinese         - yue - Cantonese          - zsm - Standard_Malay     - swh - Coastal_Swahili
- lvs - Standard_Latvian   - uzn - Northern_Uzbek     - azj - North_Azerbaijani  - npi - Nepali_(individual)
"""

# Other names, after the code of their language; for the most common languages also their own name.
_OTHER_NAMES = """
en englisch anglais inglés ingles inglese   de deutsch allemand alemán   fr français francais französisch franzoesisch francés
es español espanol castellano castilian spanisch espagnol   it italiano italienisch italien   pt português portugues portugiesisch
nl nederlands flemish niederländisch   sv svenska   da dansk   no norsk   nb norwegian_bokmål norwegian_bokmal bokmal   fi suomi
nn norwegian_nynorsk   pl polski   cs čeština cestina   sk slovenčina   hu magyar   ro română romana moldavian   ru русский russisch
uk українська   bg български   el ελληνικά   tr türkçe turkce   ar العربية   he עברית   fa farsi فارسی   hi हिन्दी   th ไทย
zh 中文 汉语 chinesisch chinois   zh-Hans 简体中文 simplified_chinese chinese_(simplified) chinese_simplified
zh-Hant 繁體中文 繁体中文 traditional_chinese chinese_(traditional) chinese_traditional   cmn mandarin_chinese
ja 日本語 japanisch   ko 한국어   vi tiếng_việt   id bahasa_indonesia   sl slovene   si sinhalese   or oriya   my myanmar
ht haitian   ckb sorani   kmr kurmanji
fy frisian   gd gaelic   ky kirghiz   ny nyanja   ps pushto   ug uighur
sr-Latn serbian_(latin)   sr-Cyrl serbian_(cyrillic)   pt-BR brazilian_portuguese portuguese_(brazil) portuguese_brazil
pt-PT european_portuguese portuguese_(portugal)
en-US american_english english_(us)   en-GB british_english english_(uk)   es-MX mexican_spanish   fr-CA canadian_french
"""

SCRIPTS = {
    **{"Hans": "simplified", "Hant": "traditional", "Latn": "Latin", "Cyrl": "Cyrillic", "Arab": "Arabic script"},
    **{"Deva": "Devanagari", "Grek": "Greek script", "Hebr": "Hebrew script", "Jpan": "Japanese script"},
}
"""Names of scripts by their codes, as written after the name of a language."""

REGIONS = {
    **{"AR": "Argentina", "AT": "Austria", "AU": "Australia", "BE": "Belgium", "BR": "Brazil", "CA": "Canada"},
    **{
        "CH": "Switzerland",
        "CL": "Chile",
        "CN": "China",
        "CO": "Colombia",
        "DE": "Germany",
        "EG": "Egypt",
        "ES": "Spain",
    },
    **{"FR": "France", "GB": "United Kingdom", "HK": "Hong Kong", "IE": "Ireland", "IN": "India", "IT": "Italy"},
    **{"MA": "Morocco", "MX": "Mexico", "NL": "Netherlands", "NZ": "New Zealand", "PE": "Peru", "PT": "Portugal"},
    **{"RS": "Serbia", "RU": "Russia", "SA": "Saudi Arabia", "SG": "Singapore", "TW": "Taiwan", "US": "United States"},
    **{"ZA": "South Africa", "419": "Latin America"},
}
"""Names of regions by their codes."""

_WORDS = """
aa am an as be by co cu do el go ha he hi ho id ie ii in io is it la li lo ma me mi my na no of oh om on or os se si so ta ti to un
us ve wa we ya yo his her son sun sag run war che tok may per ben dan pan con tel tat arm lit sin
"""

COMMON_WORDS = frozenset(_WORDS.split())
"""Codes that are also common words, so that a code alone is weak evidence for a language."""


def read_names() -> tuple[dict[str, str], dict[str, str]]:
    """Two tables: the code for each spelling (casefolded, with spaces), and the English name for each code."""
    words = _LANGUAGES.split()
    codes: dict[str, str] = {}
    names: dict[str, str] = {}
    for start in range(0, len(words), 4):
        two, three, bibliographic, name = words[start : start + 4]
        code = three if two == "-" else two
        names[code] = name.replace("_", " ")
        codes.update({spelling: code for spelling in (two, three, bibliographic) if spelling != "-"})
        codes.setdefault(names[code].casefold(), code)
    code = ""
    for word in _OTHER_NAMES.split():
        # A code has two letters, or two letters and a hyphen, or is one of three codes of three letters. All other words are names.
        if word.isascii() and (len(word) == 2 or word[2:3] == "-" or word in ("cmn", "ckb", "kmr")):
            code = word
        else:
            codes.setdefault(word.replace("_", " ").casefold(), code)
    codes |= {"iw": "he", "ji": "yi", "jw": "jv"}  # withdrawn codes that are still in use
    return codes, names
