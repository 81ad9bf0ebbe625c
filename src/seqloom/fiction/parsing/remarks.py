"""Texts that are no commands: questions, remarks, wishes, memories and noise, as players type them between commands.

`N` stands for a noun of the game.
"""

REMARKS = tuple(
    line
    for line in """
what is the point of this game
how long does this game take
who made this
is there a walkthrough for this
can you hear me
why is it so dark in here
how many rooms are there
what time is it
is this thing on
how do I win
does the N matter at all
why would anybody need a N
what does the N mean
who left the N here
was the N always there
where did the N come from
how old is the N
is the N valuable
did I miss something
have I seen the N before
which way did I come from again
I have no idea what I am doing
this is really fun
this is boring
I love this game
I hate mazes
I am so lost
that was a good joke
nice writing
haha very funny
lol
lmao that was great
omg
wow
hmm
ok cool
good one
thanks a lot
sorry my mistake
never mind
my brother finished this in one day
my mother is calling me for dinner
my phone is ringing
my dog wants to go out
I have to catch a train soon
I need a cup of tea
I ate too much at lunch
I should be working right now
I will be back in a minute
give me a second I have to answer the door
it is raining outside my window
the weather is nice today
I played this when I was a child
we used to play this at school
I once had a N like that
my grandmother had a N just like this one
that N reminds me of my uncle
the N is beautiful
what a lovely N
the N looks old
I do not like the look of that N
the N scares me
I am afraid of the N
poor N
I bet the N is important
I thought the N would be heavier
I thought there would be more monsters
I expected a better ending
if only I had a N
I wish I had a better N
I wish I could fly
I wish there were a map
would that I were at home
if I were a wizard I would turn you into a frog
maybe I should have taken the N
I should have brought a N
I could have used a N back there
yesterday I dropped the N somewhere
last week I got stuck at the same place
I remember that the N was somewhere else
I dreamed of this place last night
the N glitters in the light
the walls are damp and cold
silence lies over the room
a cold wind blows from somewhere
the shadows dance on the wall
somewhere far away a bell rings
he had never seen such a place before
she thinks of her home far away
nobody has been here for years
the air smells of dust and old stories
time seems to stand still
my heart beats like a drum
my hands are shaking
I feel that somebody watches me
I am hungry
I am tired
I am cold and wet
I am getting angry
my feet hurt
this room gives me the creeps
I wonder who lived here
I wonder what the N is for
I hope the N does not wake up
I hope this ends well
somebody should write a book about this
the graphics are missing
can you add pictures to this game
can you speak spanish
do you know any other games
please make the text bigger
could you explain the rules to me
could you tell me a joke
would you like to be my friend
tell me about yourself
tell me the answer
what would you do
what do you think
your answers are strange
you are very rude
you do not understand me
you are not listening
this parser is stupid
stupid game
come on
not again
oh no
are we there yet
I give up on this puzzle it is too hard
I am not going to fall for that
I do not want to go there
I never trust a N
nobody needs two Ns
the N was a gift from my father
two plus two is four
the quick brown fox
testing testing
blah blah blah
asdfgh
qwertyuiop
jjjjjjj
aaaaargh
xkcd
hello there
good morning
see you tomorrow
I want to order a pizza
I want to call my friend
let us talk about something else
I'd like to learn the piano some day
please call a taxi for me
play some music
open the browser
turn up the volume
can I print this
can I change my name
can I play this with a friend
how do I save my homework
where can I buy the N in real life
is the N made of real gold
why can't I carry everything
why does the N never move
what happens if I die
what if the N explodes
was that supposed to happen
did you see that
the sun will be rising soon
it has been a long day
""".strip().splitlines()
)
"""Texts that are no commands, one for each template."""
