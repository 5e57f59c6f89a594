"""The word lists the invented town of Tidewick is built from. Nothing here is random: world.py draws from them."""

WOMEN = [
    "Mira",
    "Ada",
    "Beth",
    "Clara",
    "Dora",
    "Edda",
    "Fern",
    "Greta",
    "Hilda",
    "Ivy",
    "June",
    "Kaya",
    "Lena",
    "Mabel",
    "Nora",
    "Olive",
    "Pearl",
    "Quilla",
    "Rosa",
    "Sigrid",
    "Tilda",
    "Una",
    "Vera",
    "Wilma",
    "Xenia",
    "Yara",
    "Zelda",
    "Agnes",
    "Bella",
    "Cora",
    "Delia",
    "Elsie",
    "Flora",
    "Gwen",
    "Hazel",
    "Isla",
]
MEN = [
    "Abel",
    "Bram",
    "Caleb",
    "Dirk",
    "Emil",
    "Felix",
    "Gus",
    "Hugo",
    "Ivan",
    "Jonas",
    "Kurt",
    "Leo",
    "Magnus",
    "Ned",
    "Oscar",
    "Piet",
    "Quentin",
    "Rolf",
    "Silas",
    "Tom",
    "Ulrich",
    "Victor",
    "Walt",
    "Xander",
    "Yorick",
    "Zeb",
    "Amos",
    "Basil",
    "Cyrus",
    "Dunstan",
    "Ezra",
    "Frank",
    "Gideon",
    "Harald",
    "Ike",
    "Jasper",
]
SURNAMES = [
    "Holt",
    "Marsh",
    "Finch",
    "Tanner",
    "Brook",
    "Pike",
    "Rowe",
    "Stone",
    "Vane",
    "Wick",
    "Ashby",
    "Bell",
    "Croft",
    "Dale",
    "Eames",
    "Frost",
    "Gale",
    "Hart",
    "Ives",
    "Jory",
    "Kemp",
    "Lark",
    "Moor",
    "Nash",
    "Oake",
    "Penn",
    "Quist",
    "Reed",
    "Sands",
    "Thorn",
    "Upton",
    "Voss",
    "Ware",
    "Yates",
    "Birch",
    "Cole",
]
OUTSIDERS = [
    "Anton",
    "Berta",
    "Carlo",
    "Dagny",
    "Enzo",
    "Frida",
    "Gavin",
    "Helga",
    "Igor",
    "Jana",
    "Klaus",
    "Lydia",
    "Milo",
    "Nadia",
    "Otto",
    "Petra",
    "Ramon",
    "Selma",
    "Theo",
    "Ursula",
    "Viggo",
    "Wanda",
    "Alma",
    "Boris",
    "Celia",
    "Denis",
    "Erika",
    "Fritz",
    "Gerda",
    "Hanno",
    "Irma",
    "Joris",
]

DISTRICTS = (
    "Quayside", "Millgate", "Lantern Hill", "Saltmarsh", "Northwall", "the Old Docks", "Fiddler's Green", "Applecross",
    "the Ropewalk", "Chapel End",
)  # fmt: skip
STREETS = (
    "Salt Street", "Anchor Lane", "Bell Row", "Candle Street", "Heron Lane", "Copper Street", "Market Square",
    "Bridge Street", "Gull Alley", "Willow Road",
)  # fmt: skip
JOBS = (
    "a fisher", "a teacher", "a sailmaker", "a nurse", "a gardener", "a letter carrier", "a carpenter", "a ferryman",
    "a weaver", "a musician", "a mason", "a lamplighter", "a painter", "a doctor", "a shepherd", "a printer",
)  # fmt: skip
PETS = (
    "a grey cat", "a brown dog", "a white goat", "a green parrot", "a tame fox", "a black hen", "a spotted pony",
    "a small owl", "a red squirrel", "an old tortoise", "a wild goose", "a lame donkey",
)  # fmt: skip
DISHES = (
    "plum cake", "fish soup", "fried eel", "apple pie", "barley bread", "goat cheese", "honey buns", "pea stew",
    "ginger tea", "smoked ham", "mussels", "pear jam",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
OPENING = ("six", "seven", "eight", "nine", "ten", "eleven")
CLOSING = ("four", "five", "six", "seven", "eight", "nine")
PRICES = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "fifteen", "twenty", "thirty",
    "forty", "fifty", "sixty",
)  # fmt: skip
STEPS = (
    "one hundred", "two hundred", "three hundred", "four hundred", "five hundred", "six hundred", "seven hundred",
    "eight hundred", "nine hundred", "one thousand",
)  # fmt: skip

# name of the place, what it is, the job of whoever keeps it
PLACES = (
    ("the Copper Kettle", "a tea room", "a tea maker"),
    ("the Brass Hour", "a clock shop", "a clockmaker"),
    ("the Blue Anchor", "an inn", "an innkeeper"),
    ("the Red Oven", "a bakery", "a baker"),
    ("the Silver Needle", "a tailor's shop", "a tailor"),
    ("the Iron Gate", "a smithy", "a smith"),
    ("the Paper Moon", "a bookshop", "a bookseller"),
    ("the Green Bottle", "an apothecary", "a chemist"),
    ("the Wooden Whale", "a toy shop", "a toymaker"),
    ("the Golden Wick", "a candle shop", "a candlemaker"),
    ("the Tall Mast", "a chandlery", "a chandler"),
    ("the Quiet Bow", "a violin shop", "a violin maker"),
    ("the Black Pot", "a cookshop", "a cook"),
    ("the Honest Boot", "a cobbler's shop", "a cobbler"),
    ("the Glass Swan", "a glassworks", "a glassblower"),
    ("the Merry Pig", "a butcher's shop", "a butcher"),
    ("the Salt Barrel", "a grocery", "a grocer"),
    ("the Round Table", "a furniture shop", "a joiner"),
    ("the Painted Door", "a gallery", "a frame maker"),
    ("the Lucky Hook", "a tackle shop", "a net maker"),
)

CLOCKWORK = (
    "wall clock", "music box", "pocket watch", "spyglass", "barometer", "oil lantern", "weather vane", "door bell",
    "tin drummer", "brass compass",
)  # fmt: skip
METAL = (
    "copper kettle", "iron pan", "milk can", "soup pot", "coffee mill", "garden spade", "bread tin", "fire grate",
    "watering can", "silver jug",
)  # fmt: skip
CLOTH = (
    "wool coat", "rain cape", "straw hat", "leather bag", "silk scarf", "velvet vest", "canvas tent", "fishing net",
    "linen shirt", "feather quilt",
)  # fmt: skip
WOOD = (
    "rocking chair", "oak stool", "toy boat", "violin", "bookshelf", "bird cage", "kitchen table", "picture frame",
    "tea chest", "hand cart",
)  # fmt: skip
PROBLEMS = {
    CLOCKWORK: (
        "runs too fast", "stops at noon", "has a cracked glass", "makes a grinding noise", "will not wind",
        "lost its spring", "rattles all night", "is stuck", "has a bent needle", "went silent",
    ),
    METAL: (
        "leaks at the seam", "has a loose handle", "has a deep dent", "is rusted through", "will not close",
        "lost its lid", "is bent", "has turned black", "wobbles on the stove", "has a hole in the bottom",
    ),
    CLOTH: (
        "has a torn seam", "lost its buttons", "has a hole in the lining", "smells of fish", "shrank in the rain",
        "is full of moths", "has a broken strap", "lets in water", "has faded", "came in the wrong size",
    ),
    WOOD: (
        "creaks at night", "has a split leg", "has a missing hinge", "is full of worms", "has a broken peg",
        "wobbles", "lost its varnish", "has a crack down the side", "fell apart", "arrived in two pieces",
    ),
}  # fmt: skip
SHOPS = {
    CLOCKWORK: ("the Brass Hour", "the Tall Mast", "the Golden Wick", "the Wooden Whale", "the Glass Swan"),
    METAL: ("the Iron Gate", "the Copper Kettle", "the Black Pot", "the Salt Barrel", "the Red Oven"),
    CLOTH: ("the Silver Needle", "the Honest Boot", "the Tall Mast", "the Lucky Hook"),
    WOOD: ("the Round Table", "the Wooden Whale", "the Painted Door", "the Quiet Bow", "the Paper Moon"),
}
ITEMS = CLOCKWORK + METAL + CLOTH + WOOD
