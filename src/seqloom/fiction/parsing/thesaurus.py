"""Everyday nouns that name the same things: what a player may call a thing that a game calls otherwise."""

_GROUPS = """
lamp lantern light flashlight torch
painting picture canvas portrait artwork masterpiece
rug carpet mat
hook peg hanger
cloak cape coat mantle
sack bag pouch
case cabinet showcase
chest trunk coffer
coffin casket sarcophagus
boat raft dinghy
pump inflator
leaflet flyer pamphlet brochure booklet
letter note message writing
book tome volume
bottle flask
jar pot
knife dagger blade
sword blade
axe hatchet
rope cord line
key keys
door doorway gate
trapdoor hatch
window pane
bird canary finch
bell chime
candle candles taper
match matches matchbook
food lunch meal sandwich rations snack
water drink
garlic clove
egg eggs
nest
jewel gem stone crystal
diamond gem
emerald gem
sapphire gem
ruby gem
scarab beetle
figurine statue statuette idol
bauble ornament trinket
necklace chain
bracelet bangle
cup chalice goblet grail
coin coins money
bar ingot
gold nugget nuggets
silver bars
platinum pyramid
jewelry jewels jewellery
vase ming pottery
pillow cushion
rod stick staff wand
sceptre scepter
trident fork spear
cage
snake serpent
dragon beast
bear
troll ogre
thief robber burglar
cyclops giant
ghost spirit spirits ghosts
plant beanstalk vine
tree
clam oyster shell
pearl
magazine magazines issue
batteries battery
grate grating
skull head
wrench spanner
screwdriver driver
shovel spade
coal
leaves leaf pile
pile heap
button switch
bolt nut
lid cover
table desk
chair seat
shelf rack
mailbox letterbox postbox
basket
guidebook guide
tube toothpaste
map chart
machine device apparatus
railing rail
rainbow
altar
buoy float
timber wood beam
label tag
mirror looking-glass
stairs staircase steps stairway
spices spice
dwarf dwarves
pirate
message scrawl text words
sawdust dust
"""


def _synonyms() -> dict[str, frozenset[str]]:
    synonyms: dict[str, set[str]] = {}
    for line in _GROUPS.strip().splitlines():
        group = line.split()
        for word in group:
            synonyms.setdefault(word, set()).update(other for other in group if other != word)
    return {word: frozenset(others) for word, others in synonyms.items()}


SYNONYMS = _synonyms()
"""A noun -> the nouns that may name the same thing."""
