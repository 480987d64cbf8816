//! The first recipes and comments of a new site.

use crate::changes::{Author, Draft, NewComment, Update};

/// Returns the updates that create the first recipes, the oldest first.
pub fn updates() -> Vec<Update> {
    vec![
        publish(
            "Red lentil soup",
            "Ines Moreau",
            "supper, soup, vegan, one-pot",
            "Half an hour, one pot, and better on the second day.\n\n\
             - 250 g red lentils\n- 1 large onion\n- 3 carrots\n- 1 tsp cumin, 1 tsp smoked paprika\n\
             - 1.2 l stock\n- 1 lemon\n\n\
             Soften the onion in oil with a pinch of salt until it is sweet, ten minutes and not \
             less. Add the spices and count to thirty.\n\n\
             Carrots, lentils and stock go in together. Simmer for twenty minutes, mash a third of \
             it against the side of the pot, and finish with lemon.",
        ),
        comment("red-lentil-soup", "Theo", "A spoon of harissa at the table. That is all I add."),
        favourite("red-lentil-soup", "Theo"),
        publish(
            "Overnight white bread",
            "Jonas Adeyemi",
            "bread, baking, vegan",
            "No kneading: the night does it.\n\n\
             - 500 g bread flour\n- 10 g salt\n- 1 g dry yeast\n- 380 g cool water\n\n\
             Stir everything until no dry flour is left, cover, and go to bed.\n\n\
             In the morning fold the dough four times over itself, let it rest for an hour, and \
             bake it in a lidded pot at 240 °C: thirty minutes with the lid, fifteen without.",
        ),
        favourite("overnight-white-bread", "Ines Moreau"),
        favourite("overnight-white-bread", "Hanna"),
        publish(
            "Tomato and bread salad",
            "Ines Moreau",
            "salad, summer, vegan, supper",
            "For the heel of the loaf and the last warm evening.\n\n\
             - 4 ripe tomatoes\n- 200 g stale bread\n- 1 small red onion\n- basil, red wine vinegar, \
             good oil\n\n\
             Salt the tomatoes and leave them in a sieve over a bowl. What drips is the dressing: \
             whisk it with vinegar and oil.\n\n\
             Tear the bread into it, wait ten minutes, add the rest.",
        ),
        publish(
            "Miso aubergine on rice",
            "Hanna Sato",
            "supper, vegan, rice",
            "The glaze catches quickly, so stay at the oven door.\n\n\
             - 2 aubergines\n- 3 tbsp white miso\n- 2 tbsp mirin\n- 1 tbsp sugar\n- sesame\n\n\
             Halve and score the aubergines, oil them, and roast them face down at 220 °C for \
             twenty-five minutes.\n\n\
             Turn, brush with miso, mirin and sugar, and grill until it blisters.",
        ),
        comment(
            "miso-aubergine-on-rice",
            "Ines Moreau",
            "Works with courgettes, if they are small and you salt them first.",
        ),
        publish(
            "Leek and potato soup",
            "Ines Moreau",
            "supper, soup, winter, one-pot",
            "Three things and some patience.\n\n\
             - 3 leeks\n- 500 g floury potatoes\n- 40 g butter\n- 1 l stock\n\n\
             Sweat the leeks in the butter under a lid, very low, for a quarter of an hour. They \
             must not brown.\n\n\
             Potatoes and stock, twenty minutes, and only half of it through the mill.",
        ),
        publish(
            "Plum crumble",
            "Jonas Adeyemi",
            "baking, sweet, autumn",
            "Sharp below, short above.\n\n\
             - 800 g plums\n- 150 g flour\n- 100 g cold butter\n- 80 g sugar\n- 50 g oats\n\n\
             Stone the plums and put them into a dish with a spoon of the sugar.\n\n\
             Rub butter into flour until it looks like gravel, stir in sugar and oats, and bake at \
             190 °C until the juice comes up at the edges.",
        ),
        favourite("plum-crumble", "Ruth"),
        publish(
            "Chickpeas with spinach",
            "Ines Moreau",
            "supper, vegan, one-pot",
            "From the cupboard, for a Tuesday.\n\n\
             - 2 tins of chickpeas\n- 400 g spinach\n- 4 cloves of garlic\n- 1 slice of bread\n\
             - 1 tsp cumin\n\n\
             Fry the bread and the garlic in plenty of oil, then pound them with the cumin and a \
             spoon of vinegar.\n\n\
             Warm the chickpeas in what is left of the oil, fold in spinach and paste, and add \
             water until it moves.",
        ),
        publish(
            "Pancakes for a crowd",
            "Ruth",
            "sweet, breakfast",
            "Equal cups, so nobody need weigh anything.\n\n\
             - 1 cup flour\n- 1 cup milk\n- 2 eggs\n- a pinch of salt\n\n\
             Whisk, rest for half an hour, and make the first one for the cook.",
        ),
        comment("pancakes-for-a-crowd", "Year 8", "We made 61. The record stands!"),
        publish(
            "Braised white cabbage",
            "Ines Moreau",
            "supper, winter, one-pot",
            "Cheap, slow, and gone first at every supper I have brought it to.\n\n\
             - 1 small white cabbage\n- 2 onions\n- 1 tsp caraway\n- 200 ml dry cider\n\n\
             Brown the cabbage in thick wedges, and mean it.\n\n\
             Onions, caraway and cider, a lid, and an hour in a low oven.",
        ),
        publish(
            "Mushroom barley",
            "Hanna Sato",
            "supper, vegan, winter, one-pot",
            "Like a risotto, but it lets you leave the room.\n\n\
             - 250 g pearl barley\n- 400 g mushrooms\n- 20 g dried ones\n- 1 onion\n- thyme\n\n\
             Soak the dried mushrooms in a litre of hot water; that is the stock.\n\n\
             Fry the fresh ones hard and put them aside. Then onion, barley, thyme and stock, \
             covered, for forty minutes.",
        ),
        publish(
            "Roast squash with lime",
            "Ines Moreau",
            "supper, autumn, vegan",
            "Sweet, sour, hot, in that order.\n\n\
             - 1 squash\n- 2 limes\n- 1 red chilli\n- coriander\n- 2 tbsp pumpkin seeds\n\n\
             Roast the squash in its skin, in crescents, at 210 °C.\n\n\
             Everything else goes on raw, at the table.",
        ),
        comment(
            "roast-squash-with-lime",
            "Jonas Adeyemi",
            "The skin is the best part. Leave it on.",
        ),
        favourite("roast-squash-with-lime", "Hanna Sato"),
        publish(
            "Soda bread in an hour",
            "Jonas Adeyemi",
            "bread, baking, breakfast",
            "For mornings without a plan.\n\n\
             - 450 g flour\n- 1 tsp soda, 1 tsp salt\n- 400 ml buttermilk\n\n\
             Mix with one hand, quickly. Shape, cut a deep cross, and bake at 220 °C for forty \
             minutes. It is done when it sounds hollow.",
        ),
        publish(
            "Noodles with peanut sauce",
            "Hanna Sato",
            "supper, vegan",
            "The sauce takes as long as the water.\n\n\
             - 300 g wheat noodles\n- 4 tbsp peanut butter\n- 2 tbsp soy sauce\n- 1 lime, 1 clove of \
             garlic\n- cucumber\n\n\
             Loosen the peanut butter with hot water from the noodles, then soy, lime and garlic.\n\n\
             Toss, and put the cucumber on cold.",
        ),
        favourite("noodles-with-peanut-sauce", "Theo"),
        favourite("noodles-with-peanut-sauce", "Ruth"),
    ]
}

fn publish(title: &str, author: &str, tags: &str, body: &str) -> Update {
    let (title, body, tags) = (title.to_owned(), body.to_owned(), tags.to_owned());
    Update::Publish(Draft { title, body, tags, picture: None, by: by(author) }, None)
}

fn comment(slug: &str, author: &str, body: &str) -> Update {
    Update::Comment(slug.to_owned(), NewComment { by: by(author), body: body.to_owned() })
}

fn favourite(slug: &str, author: &str) -> Update {
    Update::Favourite(slug.to_owned(), by(author))
}

fn by(author: &str) -> Author {
    Author { author: author.to_owned() }
}
