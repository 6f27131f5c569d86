"""The demo corpus' words: a pool for each hidden theme, pools that all songs share, templates of lines.

No word is in two pools (a test checks it), so a word's theme can only be learned from the words beside it.
Slots of a template: {n} {v} {a} are a noun, a past-tense verb and an adjective of the theme, {N} {V} {A} of
the shared pool, {e} an opening of the song's era, {T} the song's title. Nouns are singular or plural, so
templates use only "the", "my" and the like before them and the past tense after them.
"""

from typing import NamedTuple


class Pool(NamedTuple):
    """Words by part of speech."""

    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    adjectives: tuple[str, ...]


def _pool(nouns: str, verbs: str, adjectives: str) -> Pool:
    return Pool(tuple(nouns.split()), tuple(verbs.split()), tuple(adjectives.split()))


THEMES = {
    "harbour": _pool(
        """anchor barnacles bay beacon boat breakers buoy captain cargo cliffs coral cove currents deck
        dolphins driftwood ferry foam gulls harbour hull island jetty kelp keel lagoon lighthouse mast
        mussels oars otters pebbles pier reef rudder sailor seals shipwreck shore squid starfish tides
        trawler waves""",
        """ebbed dived drifted floated foundered moored paddled rowed sailed sank splashed surged surfaced
        swam""",
        """barnacled briny brackish coastal foamy marine nautical offshore salty sandy seaward sunken
        tidal wet""",
    ),
    "bakery": _pool(
        """almonds apron baker batter biscuits bowl bread butter caramel chestnuts cinnamon cocoa crumbs
        crust cupboard custard dough dumplings flour frosting ginger honey icing jam kettle ladle
        lemons loaf marzipan muffins nutmeg oven pancakes pastry pepper plums porridge raisins skillet
        spoon sugar teapot vanilla yeast""",
        """baked boiled bubbled crumbled fizzed frothed melted ripened simmered sizzled soaked steamed
        thickened toasted""",
        "buttery candied creamy crispy crusty doughy floury fragrant golden spiced sticky sugared sweet warm",
    ),
    "railway": _pool(
        """axle boiler brakes bridge carriage clock coal commuters compass conductor corridor crossing
        depot engine fireman freight gauge junction ledger levers locomotive luggage map miles parcels
        passengers pistons platform porter rails schedule semaphore signals sleepers smokestack station
        steam suitcase ticket timetable tracks tunnel viaduct whistle""",
        """arrived braked chugged clanked coupled departed halted hissed hooted idled rattled rumbled
        shunted swerved""",
        """belated crowded derailed diesel distant eastbound electric express iron mechanical northbound
        punctual rusty sooty""",
    ),
    "garden": _pool(
        """acorns apples beehive beetles blossoms branches bulbs butterflies clover compost daisies ferns
        fences foxgloves gardener gate grass greenhouse hedges herbs ivy ladybirds lavender leaves
        lilac moss mushrooms nettles orchard pears petals pollen pumpkins robins roots seeds snails
        soil spade tomatoes tulips turnips wheelbarrow worms""",
        """bloomed blossomed budded buzzed flowered flourished germinated grew nested rustled sprouted
        swarmed unfurled wilted""",
        """blooming earthy evergreen fertile grassy leafy lush mossy overgrown pruned rooted thorny tilled
        weedy""",
    ),
    "sky": _pool(
        """asteroid astronomer aurora balloon comet constellations cosmos crater dawn dusk dust eclipse
        equinox galaxy gravity halo horizon lens mercury meteors midnight moon moonlight nebula neptune
        observatory orbit planets pulsar radar rocket satellites saturn shuttle solstice spaceship
        stars stardust sunset telescope twilight universe venus zenith""",
        """ascended blazed collided dimmed eclipsed flickered glimmered glowed hovered launched orbited
        shimmered twinkled vanished""",
        """astral boundless celestial cosmic infinite interstellar lunar luminous nocturnal radiant
        silvery solar stellar weightless""",
    ),
    "theatre": _pool(
        """accordion acrobats actress applause audience balcony banjo carousel cello chandelier clarinet
        clown costume curtain dancers dressmaker drummer encore fiddle juggler magician marquee mask
        melody orchestra parade piano pianist poster puppets rehearsal ribbons script sequins spotlight
        stage stilts tambourine tenor trapeze trombone tuxedo velvet violin""",
        """applauded bowed cartwheeled danced drummed improvised juggled performed pirouetted rehearsed
        sang somersaulted strummed waltzed""",
        """acrobatic comic dramatic glittering jaunty masked melodic musical painted rhythmic scripted
        sequinned theatrical tuneful""",
    ),
}

SHARED = _pool(
    """alley answer argument attic aunt avenue barber basement bench bookshop bottle brother bucket button
    cafe candle carpet ceiling chimney cinema corner cousin daughter dentist diary doctor doorway
    drawer dream elevator envelope errand farmer father fever guest hallway husband jug kitchen lamp
    lawyer library market memory mother needle neighbour nephew newspaper niece notebook owner painter
    pavement pencil pocket promise proverb puzzle question reason riddle rumour scarf shadow shelf
    silence sister sofa soldier statue stranger teacher thimble thunder twin uncle valley visitor
    wallet weather winter worry""",
    """agreed apologised argued boasted borrowed changed confessed considered creaked decided disagreed
    doubted dozed faltered fidgeted followed forgot frowned giggled grumbled guessed hesitated hummed
    hurried imagined insisted knelt laughed leaned lingered mattered nodded objected paused pondered
    queued remained rested returned scribbled shivered shopped shrugged sighed smiled sneezed stumbled
    stuttered tiptoed trembled turned waited wandered woke wondered yawned""",
    """absent ancient anxious blue broken busy careless certain clever curious dusty empty familiar
    foolish forgotten friendly grateful green hollow honest humble impatient innocent jealous lucky
    modest narrow noisy ordinary peculiar polite proud quick quiet restless shy sleepy solemn square
    strange stubborn tidy uneven useful wooden yellow""",
)

# Few words, so that dissimilar songs often share the title words that their choruses repeat.
TITLE_WORDS = _pool(
    """alphabet bicycle birthday blanket calendar fountain grandmother ladder lamppost lantern mirror
    mountain pillow postcard river secret staircase trolley umbrella window""",
    "",
    "backward crooked drowsy famous gentle lazy patient purple scarlet wild",
)

# (last year of an era, openings of its lines), the only trace of the era in the lyrics.
ERAS = (
    (1973, ("goodness me", "by golly", "one fine sunday", "well I declare", "mighty soon", "hats off")),
    (1987, ("right on cue", "after the news", "on the late bus", "far out there", "keep cool", "dig this")),
    (2001, ("no kidding", "totally", "back at the mall", "press rewind", "talk to the hand", "as if")),
    (2015, ("no filter", "low battery", "offline again", "in the group chat", "for real though")),
)

VERSE = (
    "the {a} {n} {v} just behind our {N}",
    "{e}, your {N} {V} among the {a} {n}",
    "we left the {n} where her {n} {v}",
    "my {A} {N} asked the {n} for {a} company",
    "your {n} {v} and his {A} {N} {V}",
    "{e}, the {n} and the {n} {v} by turns",
    "nobody told the {A} {N} why our {n} {v}",
    "their {N} {V} until the very last {n} {v}",
    "{e}, no {a} {n} ever {v} like hers",
    "between the {n} and the {a} {n} your {N} {V}",
    "{e}, I traded my {A} {N} for your {n}",
    "the {n} {v} while the {N} beside me {V}",
    "under the {A} {N} seven shapes of {a} {n}",
    "she drew the {n} on my {N} in {a} ink",
    "he hid his {n} inside her {A} {N}",
    "{e}, our {N} learned how the {n} once {v}",
    "if only their {n} {v} before the {N} {V}",
    "all the {a} {n} belonged to my {A} {N}",
    "half of our {n} {v} past the {A} {N}",
    "they named the {N} after her {a} {n}",
    "your {A} {N} {V} whenever the {a} {n} {v}",
    "{e}, a sketch of the {n} and the {n}",
    "let the {n} rest against my {A} {N}",
    "my {n} {v} as your {N} {V} for the {n}",
    "twice the {N} {V} over the {a} {n}",
    "{e}, among the {n} his {a} {n} {v}",
    "what a {A} {N} for the {a} {n}",
    "her {N} counted the {n} till his {n} {v}",
    "without the {n} our {A} {N} merely {V}",
    "somewhere the {a} {n} {v} and the {N} {V}",
    "{e}, as the {a} {n} wrote to the {N}",
    "both of us {V} when the {a} {n} {v}",
    "go ask that {A} {N} about the {n}",
    "{e}, the {N} {V} then his {n} {v}",
    "I folded my {n} into your {A} {N}",
    "the {n} still owes a {N} to my {n}",
)
HOOKS = ("{T}, {T}, once more {T}", "hey {T}, ho {T}, hey {T}", "{T} and {T} and {T}")
CHORUS = (
    "{T}, {T}, and the {n} that {v}",
    "bring back {T} along with the {a} {n}",
    "wherever the {n} {v} you will find {T}",
    "{e}, it was {T} with its {a} {n}",
    "nothing but {T} and the {n} stayed with us",
    "they chalked {T} on the {n} and the {n}",
    "it was always {T} till the {a} {n} {v}",
    "hand the {n} {T} and {a} {n}",
)
