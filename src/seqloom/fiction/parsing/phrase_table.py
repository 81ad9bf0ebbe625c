"""What players call the actions of text adventures: for each canonical command, the everyday phrases that mean it.

`A` and `B` stand for things. The first word of a phrase is its verb, which is inflected where a text needs it. The table was
written from general knowledge of English and of text adventures. It is the vocabulary of the rules, and of training data.
"""

DIRECTIONS = (
    "north",
    "south",
    "east",
    "west",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
    "up",
    "down",
    "in",
    "out",
)

_DIRECTION_WORDS = {
    "north": "n northward northwards northern",
    "south": "s southward southwards southern",
    "east": "e eastward eastwards eastern",
    "west": "w westward westwards western",
    "northeast": "ne north-east northeastern northeastward",
    "northwest": "nw north-west northwestern northwestward",
    "southeast": "se south-east southeastern southeastward",
    "southwest": "sw south-west southwestern southwestward",
    "up": "upstairs upward upwards",
    "down": "downstairs downward downwards",
    "in": "inside indoors",
    "out": "outside outdoors",
}
DIRECTION_OF = {word: name for name, words in _DIRECTION_WORDS.items() for word in (name, *words.split())}
"""Direction words -> canonical directions."""

EXPLICIT = {
    verb: frozenset(words.split())
    for verb, words in {
        "attack": "attack kill fight hit stab slay strike murder punch kick slash assault",
        "kill": "attack kill fight hit stab slay strike murder punch kick slash assault",
        "hit": "attack kill fight hit stab slay strike murder punch kick slash assault",
        "eat": "eat devour consume munch swallow taste bite",
        "drink": "drink sip gulp swallow",
        "burn": "burn fire torch incinerate ignite light alight",
        "throw": "throw toss hurl fling lob chuck pitch",
        "break": "break smash shatter destroy demolish crush wreck",
        "smash": "break smash shatter destroy demolish crush wreck",
        "cut": "cut slice chop saw",
        "quit": "quit",
        "restart": "restart",
    }.items()
}
"""Verbs that are never carried out on a guess -> the words of which the player must have said one."""

_TABLE = """
take A: take A; grab A; get A; pick up A; pick A up; collect A; fetch A; snatch A; gather A; gather up A; seize A; lift A;
  lift up A;
  pocket A; acquire A; retrieve A; nab A; scoop up A; scoop A up; grab hold of A; carry A; carry A along; bring A; bring A
  with me;
  bring A along; take A with me; take A along; take hold of A; steal A; pinch A; swipe A; claim A; obtain A; catch A; capture A;
  lay hands on A; help myself to A; stow A in my bag; put A in my pack; put A in my bag; tuck A under my arm; slip A into my
  pocket;
  pack A; keep A; have A; hold A; reach for A; hoist A; hand me A; pass me A; want A; need A; reclaim A; recover A; go get A;
  gimme A; nick A; yank A; remove A; snag A; bag A; put A in my pocket; take possession of A; make A mine; go for A; A come
  with me; A go in my bag; A go in my pocket; A go with me
take A from B: take A from B; get A from B; remove A from B; take A out of B; get A out of B; grab A from B; grab A out of B;
  pull A out of B; fetch A from B; lift A out of B; lift A from B; pick A from B; pick up A from B; take A off B; snatch A
  from B; fish A out of B;
  retrieve A from B; collect A from B; steal A from B
drop A: drop A; put down A; put A down; set down A; set A down; lay down A; lay A down; leave A; leave A here; leave A behind;
  discard A;
  let go of A; release A; let A go; get rid of A; abandon A; ditch A; dump A; place A on the floor; put A on the floor; let A
  fall;
  put A on the ground; set A on the floor; set A on the ground; lay A on the floor; lay A on the ground; free A; set A free;
  let A out; unload A;
  deposit A; deposit A here; leave A on the floor; leave A on the ground; toss A aside; let A slip; place A here; put A here;
  lose A; part with A;
  let A drop; let A slide to the floor; rest A on the floor; give up A; stop carrying A
put A in B: put A in B; put A into B; place A in B; place A into B; insert A in B; insert A into B; stash A in B; store A in
  B; stow A in B;
  drop A in B; drop A into B; set A in B; set A inside B; lay A in B; tuck A into B; slip A into B; slide A into B; stick A in
  B; stuff A into B;
  pop A into B; pop A in B; deposit A in B; put A away in B; put A inside B; shove A into B; load A into B; pack A into B;
  leave A in B;
  throw A in B; toss A in B; stow A inside B; add A to B; fit A in B; place A inside B; store A inside B; hide A in B; keep A
  in B; have A go in B; A go in B; A go into B; A belong in B; A go inside B
put A on B: put A on B; put A onto B; place A on B; place A onto B; set A on B; set A down on B; lay A on B; lay A upon B;
  hang A on B; hang A up on B;
  hang A from B; drape A over B; put A over B; rest A on B; leave A on B; drop A onto B; place A upon B; deposit A on B; stick
  A on B; balance A on B;
  throw A over B; suspend A from B; set A upon B; attach A to B; hook A on B; A go on B; A belong on B
hang A: hang up A; hang A up; hang A
open A: open A; open up A; pull A open; push A open; prise A open; pry A open; force A open; crack A open; unseal A; lift the
  lid of A; slide A open;
  swing A open; have a look inside A; get A open; pull open A; unfasten A; break open A; undo A; prise open A; pry open A;
  raise A; lever A open
open A with B: open A with B; pry A open with B; prise A open with B; force A open with B; use B to open A
close A: close A; shut A; close up A; pull A shut; push A shut; seal A; slam A; swing A shut; shut up A; slam A shut
unlock A: unlock A; undo the lock on A; unlock A with B; use B to unlock A; use B on A; open the lock of A; undo the lock of
  A; unbolt A; unchain A
unlock A with B: unlock A with B; use B to unlock A; open A with B; turn B in A; try B on A; put B in the lock of A
lock A: lock A; lock up A; bolt A; lock A with B
read A: read A; peruse A; read what A says; read through A; read the text on A; have a read of A; see what A says; look at
  what A says; study the words on A;
  find out what A says; recite A; read out A; leaf through A; skim A; read the writing on A; read from A; see what is written
  on A; decipher A
examine A: examine A; look at A; inspect A; study A; check A; check out A; look closely at A; have a look at A; take a look at
  A; take a closer look at A;
  observe A; scrutinise A; describe A; investigate A; contemplate A; have a closer look at A; peer at A; view A; stare at A;
  gaze at A; see what A looks like;
  give A a closer look; get a better look at A; eye A; look over A; look A over; consider A
look in A: look in A; look into A; look inside A; see what is in A; check what is in A; peek into A; peer into A; see what is
  inside A; search A; search through A;
  rummage through A; look through A; look for something in A; see what A contains; glance inside A
look under A: look under A; look beneath A; see what is under A; peek under A; check under A; look underneath A
look behind A: look behind A; check behind A; see what is behind A; peek behind A
turn on A: turn on A; turn A on; switch on A; switch A on; light A; light up A; activate A; power up A; power on A; get A
  going; get A shining; ignite A;
  make A shine; start A; kindle A; get some light from A; make light with A; illuminate A; flick on A; flick A on; put A on;
  fire up A; set A burning
turn off A: turn off A; turn A off; switch off A; switch A off; extinguish A; put out A; put A out; blow out A; blow A out;
  snuff out A; snuff A out; douse A;
  shut off A; deactivate A; quench A; turn out A; kill the light of A; snuff A; shut A off; save the battery of A
light A with B: light A with B; use B to light A; ignite A with B; set A alight with B; set fire to A with B; hold B to A; set
  light to A with B
burn A: burn A; set fire to A; set A on fire; torch A; incinerate A
attack A: attack A; hit A; fight A; kill A; strike A; stab A; slay A; punch A; assault A; lunge at A; charge at A; charge A;
  go for the throat of A; murder A; defeat A;
  beat A; take on A; smack A; destroy A; spring at A; finish off A; swing at A; beat up A; kick A; thrash A; slash at A
attack A with B: attack A with B; hit A with B; kill A with B; stab A with B; strike A with B; fight A with B; use B on A;
  slay A with B; swing B at A; drive B into A;
  thrust B at A; plunge B into A; lunge at A with B; slash A with B; use B to kill A; use B to attack A; stick B into A; cut A
  down with B
throw A: throw A; toss A; hurl A; fling A; lob A; chuck A; pitch A; throw A away
throw A at B: throw A at B; hurl A at B; toss A at B; fling A at B; chuck A at B; lob A at B; throw A to B; pelt B with A;
  toss A to B
give A to B: give A to B; hand A to B; offer A to B; present A to B; give B A; hand B A; pass A to B; offer B A; hand over A
  to B; donate A to B; show A to B; pay B with A; bribe B with A
feed A: feed A; give food to A; feed A some food; give A something to eat; feed A with B; offer food to A
eat A: eat A; have a bite of A; taste A; munch on A; devour A; swallow A; consume A; nibble A; gobble up A; munch A; chew A
drink A: drink A; sip A; take a sip of A; gulp down A; have a drink of A; drink some of A; swallow A; drink from A; take a
  drink from A
pour A: pour A; pour out A; pour A out; empty A out; spill A; tip out A; tip A out; empty A; pour A on the floor
pour A on B: pour A on B; pour A onto B; pour A over B; pour A into B; empty A over B; tip A over B; sprinkle A on B; spill A
  on B; splash A on B; water B with A; oil B with A;
  give B some A; use A on B; put A on B; give A to B; let A trickle over B; tip A on B; let A run over B
water A: water A; give A some water; give A a drink; sprinkle A; pour water on A; give water to A
fill A: fill A; fill up A; fill A up; refill A; fill A with B; top up A; fill up A with B; let B run into A; fill A from B
press A: press A; push A; press down A; hit A; push in A; poke A; depress A; tap A; jab A; press on A; prod A; click A; give A
  a push
move A: move A; push A; shove A; pull A; pull A aside; drag A; drag A aside; slide A aside; push A aside; shift A; move A
  aside; move A out of the way; shove A to one side; roll A up;
  lift A to look under; pull back A; tug at A; drag away A; lift A aside; heave A; nudge A; roll back A; slide A over
turn A: turn A; rotate A; twist A; spin A; crank A; give A a turn
turn A with B: turn A with B; use B to turn A; use B on A; loosen A with B; twist A with B; tighten A with B; rotate A with B
wave A: wave A; swing A; wave A around; wave A about; brandish A; wave A in the air; flourish A; swish A; raise A and wave it
shake A: shake A; rattle A; give A a shake
ring A: ring A; chime A; sound A; toll A; ring out A; give A a ring; jingle A
rub A: rub A; polish A; touch A; stroke A; feel A; pet A; pat A; run my hand over A; put my hand on A; caress A; run my
  fingers over A
break A: break A; smash A; shatter A; destroy A; break A to pieces; crush A; wreck A; demolish A
cut A with B: cut A with B; slice A with B; chop A with B; saw A with B; cut through A with B
wind A: wind A; wind up A; wind A up
inflate A: inflate A; blow up A; blow A up; pump up A; pump A up; fill A with air; inflate A with B; pump air into A; use B to
  inflate A; use B on A; blow air into A; inflate A using B; pump up A with B
deflate A: deflate A; let the air out of A; let air out of A
tie A to B: tie A to B; attach A to B; fasten A to B; knot A to B; secure A to B; fix A to B; hitch A to B; loop A around B;
  bind A to B; tie A around B; tie A onto B
untie A: untie A; unfasten A; loosen A; undo A
wear A: wear A; put on A; put A on; don A; dress in A; slip into A; slip A on; wrap A around me; wrap A around my shoulders;
  get into A; try on A; throw A on; pull on A; pull A on;
  wrap myself in A; drape A over my shoulders; throw A over my shoulders; slip on A; dress myself with A
take off A: take off A; take A off; remove A; shed A; slip off A; slip A off; slip out of A; pull off A; doff A; strip off A;
  undress from A; pull A off; get out of A
climb A: climb A; climb up A; clamber up A; go up A; scale A; scramble up A; climb onto A; shin up A; get up A; ascend A;
  mount A; shinny up A
enter A: enter A; go into A; get into A; climb into A; go in A; step into A; walk into A; get in A; board A; hop into A; go
  through A; climb through A; crawl into A; crawl through A;
  squeeze through A; step through A; walk through A; jump into A; slip through A; pass through A; climb aboard A; step inside A
leave A: get out of A; leave A; exit A; climb out of A; step out of A; get off A; disembark from A; hop out of A; step off A;
  go out of A
cross A: cross A; go across A; walk across A; walk over A; go over A; step across A; pass over A; run across A; cross over A;
  traverse A; get across A; go over to the other side of A
launch A: launch A; push off in A; set sail in A; launch A into the water; set off in A; cast off A; push A into the river
knock on A: knock on A; knock at A; rap on A; bang on A
listen to A: listen to A; hear A; put my ear to A
smell A: smell A; sniff A; sniff at A
wake A: wake A; wake up A; wake A up; rouse A; awaken A; disturb A
calm A: calm A; calm down A; tame A; soothe A; pacify A; quiet A
dig: dig; dig here; dig a hole; dig in the ground; start digging; dig around; dig with A; use A to dig; dig up the ground; do
  some digging
dig A: dig A; dig in A; dig into A; dig up A; excavate A; dig through A; shovel A; dig A with B; dig in A with B; use B to dig
  in A; start digging in A; dig a hole in A
say A: say A; say the word A; speak A; shout A; utter A; whisper A; yell A; speak the word A; say the magic word A; pronounce
  A; chant A; call out A; cry A; say out loud A; say A out loud;
  speak the magic word A; shout out A; call A; say the name A; use the magic word A; utter the word A; mutter A; try A
pray: pray; say a prayer; kneel and pray; offer a prayer; pray to God; say my prayers; kneel down in prayer
jump: jump; leap; hop; jump up; jump around; take a leap
wait: wait; do nothing; hang around; wait a moment; wait a bit; stay here; stay put; rest; linger; pass the time; wait a turn;
  stand still; let time pass; rest a moment; pause; sit tight;
  wait here for a while; see what happens; wait and see; stay where I am; remain here; chill; let some time go by; hold on;
  kill time; wait for a bit; wait around; bide my time
look: look; look around; look about; look around me; survey the room; take a look around; have a look around; describe the
  room; see where I am; check my surroundings; look at my surroundings;
  scan the area; describe my surroundings; inspect the room; examine the room; see what is here; observe my surroundings; take
  in the room; look round; tell me where I am; glance around
inventory: check my inventory; look at my inventory; see what I have; check what I have; list my things; show my inventory;
  see what I am carrying; check what I am carrying; look in my bag; check my pockets;
  check my bag; look through my belongings; look at what I have; list what I carry; go through my pockets; look at my stuff;
  check my stuff; take stock; tell me what I have; tell me what I am carrying; open my bag
score: check my score; see my score; show my score; tell me my score
swim: swim; go swimming; take a swim; dive in; go for a swim
sleep: sleep; take a nap; go to sleep; lie down
sing: sing; hum; sing a song
listen: listen; listen carefully; prick up my ears; listen for sounds; hear
smell: smell; sniff; smell the air; sniff the air
"""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.split(";"))


def _parse(table: str) -> dict[str, tuple[str, ...]]:
    joined: list[str] = []
    for line in table.strip().splitlines():
        if line.startswith(" "):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    phrases = {}
    for line in joined:
        command, _, rest = line.partition(":")
        phrases[command] = tuple(phrase for part in rest.split(";") if (phrase := " ".join(part.split())))
    return phrases


PHRASES = _parse(_TABLE)
"""Canonical commands, with the phrases that mean them."""

MOVES = _listed(
    """
    go D; walk D; head D; move D; run D; step D; travel D; proceed D; continue D; make my way D; go to the D; walk to the D;
    head to the D; head off D; walk towards the D; head for the D; wander D; take the D exit; take the D path; go through
    the D door; take the D passage; follow the path D; follow the passage D; follow the D path; leave to the D; exit to the
    D; go back D; return D; hurry D; march D; stroll D; turn D; set off D; go off to the D; go out the D door; use the D
    exit; go on to the D; try the D door; try D; keep going D; retreat D; crawl D; squeeze through to the D; take the way D;
    slip D; push on D; creep D; leave by the D exit; pass through the D door; step through the D doorway; tiptoe D; follow
    the tunnel D; take the corridor to the D; leave D; trudge D; race D; press on to the D; sneak D
    """
)
"""How players say that they go in a direction, `D`."""

VERTICAL = {
    "up": _listed(
        """
    climb; climb up; go up; ascend; climb the stairs; go upstairs; go up the stairs; head up; scramble up; climb back up;
    walk up the steps; climb the steps; climb the ladder; go up the ladder; climb up there; mount the stairs; head upstairs;
    go back up
    """
    ),
    "down": _listed(
        """
    climb down; go down; descend; go downstairs; go down the stairs; head down; scramble down; climb back down; walk down
    the steps; go down the ladder; lower myself; climb down the ladder; head downstairs; descend the stairs; drop down; go
    back down; slide down
    """
    ),
    "in": _listed(
        """
    go in; go inside; enter; step inside; walk in; head inside; get in; come in; climb in; get inside; climb inside; go
    indoors
    """
    ),
    "out": _listed(
        """
    go out; go outside; leave; exit; step outside; walk out; head outside; get out; get out of here; leave this place; head
    out; leave the building; leave the room; climb out
    """
    ),
}
"""How players say that they go up, down, in or out."""
