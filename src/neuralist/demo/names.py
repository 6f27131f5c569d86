"""The demo corpus' artists, all invented, and how another file spells them and their titles."""

from neuralist.demo.draws import Draws

# fmt: off
ARTISTS = (
    "The Copper Weirs", "Odile Tarnaway", "Brass & Bracken", "Café Zéphyrine",
    "Mårten Valebrook", "The Nine Umbrellas", "Hollis Pemberwick", "Quillonby",
    "Dora and the Daybooks", "Señor Perplejo", "The Tin Magistrates", "Wilhelmina Grout",
    "Thistle & Thatchwood", "Ossian Peabright", "The Understairs", "Bjørn & Birchwater",
    "Lucasta Finchley-Moor", "The Paper Ferrymen", "Ambrose Tuckwell", "Les Échassiers Bleus",
    "Marigold Ashplant", "The Velvet Turnpikes", "Professor Halfpenny", "Pip and the Postmasters",
    "Zoë Larkmoor", "The Saltmarsh Seven", "Cornelius Dabney Rook", "Plum & Pewter",
    "The Borrowed Bicycles", "Ingrid Østerhavn", "The Late Apologies", "Barnaby Threadgold",
    "Foxglove Committee", "The Quarter Moons Club", "Tabitha Crowle", "José Candelero",
    "The Wednesday Locksmiths", "Nell and the Narrowboats", "Gideon Moss-Harper", "Pétronille",
    "The Spare Chandeliers", "Rufus Applegarth", "Inkwell & Ivory", "The Drowsy Cartographers",
    "Esme Quickthorn", "Otto von Wimpel", "The Left-Hand Gardeners", "Harriet Oakenfull",
)
# fmt: on
COUNTRIES = ("american", "british", "canadian", "french", "swedish", "australian")
_PLAIN = str.maketrans("áåçèéêëíñóöøüÉØ", "aaceeeeinooouEO")


def spell_artist(draws: Draws, name: str) -> str:
    """Spell an artist as another file would: The, & or and, accents, case, a featured guest."""
    spellings = (
        name.removeprefix("The ") if name.startswith("The ") else f"The {name}",
        _other_and(name),
        name.translate(_PLAIN),
        name.upper(),
        f"{name} feat. {draws.choice(ARTISTS)}",
    )
    return draws.choice([spelling for spelling in spellings if spelling != name])


def spell_title(draws: Draws, title: str) -> str:
    """Spell a title as another file would: & or and, case, a bracketed version."""
    spellings = (_other_and(title), title.lower(), f"{title} (Album Version)", f"{title} [Live]")
    return draws.choice([spelling for spelling in spellings if spelling != title])


def _other_and(name: str) -> str:
    return name.replace(" & ", " and ") if " & " in name else name.replace(" and ", " & ")
