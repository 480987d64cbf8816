//! The first stories and comments of a new site.

use crate::picture::Picture;
use crate::site::Update;

/// Returns the updates that create the first stories, the oldest first.
pub fn updates() -> Vec<Update> {
    vec![
        publish(
            "Allotment meeting: the hedge stays, the pumpkins may not",
            "Thirty-one of the forty plot holders came to the Station Road meeting on Tuesday, \
             which the chair believes is a record for a month without free cake. The hedge along \
             the railway stays, twenty-four votes to five. It will be cut once a year, after the \
             birds are done with it.\n\n\
             The longer argument was about plots 17 and 18, whose pumpkins have crossed the \
             path and are well into plot 22. Their owner said that she had planted them in good \
             faith. The meeting settled on a measure that allows one metre of trespass for each \
             pie delivered, to be reviewed in October.\n\n\
             Water will be off at the lower tap until the new washer comes.",
        ),
        comment(
            "allotment-meeting-the-hedge-stays-the-pumpkins-may-not",
            "Plot 22",
            "One pie so far. It was very good, so I am in two minds.",
        ),
        publish(
            "The library keeps its Sundays",
            "The library will go on opening from one to five on Sundays. The council had meant to \
             close it on that day from the new year, to save the cost of two members of staff and \
             the heating; on Thursday it took the item off its agenda.\n\n\
             What changed is the count. Volunteers stood at the door for six Sundays and found \
             that more people came in those four hours than on any weekday, most of them between \
             ten and sixteen years old, and most of them to sit at a table. Mr Osei of the \
             Friends of the Library read the numbers out without comment and sat down again.\n\n\
             The Friends are looking for two more people who can open up, one Sunday in five. \
             Ask at the desk.",
        ),
        comment(
            "the-library-keeps-its-sundays",
            "Hanna B.",
            "Our flat has one table and three people doing homework. Thank you to whoever stood \
             there in the rain with the clicker.",
        ),
        comment(
            "the-library-keeps-its-sundays",
            "Theo",
            "I can do one in five. Going to the desk.",
        ),
        illustrate(
            "bell.svg",
            "Who rings the mill bell?",
            "For the third Friday running, the bell of the old mill has rung at ten past six in \
             the morning: eleven strokes, not hurried. The building has been empty since the \
             dyers left. The bell has no rope.\n\n\
             The owner's agent went up on Wednesday and reports a sound floor, a great many \
             pigeons, and a clapper that somebody has oiled. The only key is in his own drawer. \
             He does not mind, he says, but would like the person to know that the fourth stair \
             is rotten.\n\n\
             If it is you: several people on Weir Street have begun to get up by it, and one has \
             asked whether it could be six o'clock.",
        ),
        comment(
            "who-rings-the-mill-bell",
            "R. Lindqvist",
            "My grandfather was a dyer there. The early shift was called with eleven strokes, \
             ten minutes after the hour so that nobody could say they had mistaken it for the \
             church.",
        ),
        comment("who-rings-the-mill-bell", "Weir Street 9", "Please not six o'clock."),
        comment(
            "who-rings-the-mill-bell",
            "Ines",
            "The pigeons leave at five past six. I have been watching. They know.",
        ),
        illustrate(
            "gauge.svg",
            "Reading the river: what a year of the gauge shows",
            "A year ago nine of us began to write down the height of the Wend at the bridge, \
             morning and evening. The notebook is full, so here is what is in it. The highest \
             reading was 2.84 metres, on the ninth of February; the lowest was 0.31, in the last \
             week of August. Of 730 readings we missed six, four of them on the same holiday.\n\n\
             The useful part is the delay. When it rains hard at Upper Sallow, the water is here \
             between nine and eleven hours later, and it took no fewer than nine in any of the \
             fourteen cases we have. Rain at breakfast is a wet cellar at supper, and that leaves \
             time to carry things upstairs.\n\n\
             The notebook is in the library, next to the bus timetables. We have bought a second \
             one and could use a tenth reader.",
        ),
        comment(
            "reading-the-river-what-a-year-of-the-gauge-shows",
            "M. Faraday-Cole",
            "Nine hours fits what the lock keeper used to say. He called it a working day and \
             the walk home.",
        ),
        illustrate(
            "bridge.svg",
            "Tanner's Lane footbridge opens again on Saturday",
            "The footbridge at Tanner's Lane, closed since the flood in February, opens on \
             Saturday at ten. Both landings are new and stand forty centimetres higher. The \
             middle span is the old one: it was lifted out, scraped, painted and put back.\n\n\
             There is a ramp on both sides now. The engineer was asked on Monday whether a \
             cargo bike can turn on the upper landing, went to fetch one, and can confirm that \
             it does, with a hand's breadth to spare.\n\n\
             The ferry, which carried up to three hundred people a day this summer in a boat \
             made for eight, makes its last crossing on Friday at dusk. The ferryman asks that \
             nobody bring flowers. Biscuits are another matter.",
        ),
        comment(
            "tanners-lane-footbridge-opens-again-on-saturday",
            "Joan",
            "I shall miss being told the football results in the middle of the river.",
        ),
        comment(
            "tanners-lane-footbridge-opens-again-on-saturday",
            "P. Adeyemi",
            "The bus still stops at the far end until the timetable changes on the first.\n\n\
             After that it is back to the near side.",
        ),
        illustrate(
            "eels.svg",
            "The eels are back below the weir",
            "There are eels below the weir again, after eleven years without one. The school's \
             river group lifted its trap on Wednesday evening and found four, the longest about \
             as long as a ruler. They were measured, photographed from every side and put back.\n\n\
             They came up the new pass: a gutter beside the weir, lined with bristles like an \
             upturned broom, with a trickle of water running through it. Young eels do not jump; \
             they climb, and they need something to push against. The pass cost less than the \
             sign that explains it.\n\n\
             Anyone may come and look on Wednesdays at half past six. Bring boots, and leave the \
             dog at home.",
        ),
        comment(
            "the-eels-are-back-below-the-weir",
            "Year 8 river group",
            "Correction: the longest one was 32 cm, so it was LONGER than a ruler.",
        ),
        comment(
            "the-eels-are-back-below-the-weir",
            "Old Ferry Inn",
            "We would like it known that they are not on the menu.",
        ),
    ]
}

fn publish(title: &str, body: &str) -> Update {
    Update::Publish { title: title.to_owned(), body: body.to_owned(), picture: None }
}

fn illustrate(picture: &str, title: &str, body: &str) -> Update {
    let picture = Picture { path: format!("assets/pictures/{picture}"), width: 1200, height: 800 };
    Update::Publish { title: title.to_owned(), body: body.to_owned(), picture: Some(picture) }
}

fn comment(slug: &str, author: &str, body: &str) -> Update {
    Update::Comment { slug: slug.to_owned(), author: author.to_owned(), body: body.to_owned() }
}

#[cfg(test)]
mod tests {
    use headwater::prelude::*;

    use crate::site::{Site, Update};

    #[test]
    fn every_picture_exists_with_its_size() {
        for update in super::updates() {
            let Update::Publish { picture: Some(picture), .. } = update else { continue };
            let file = format!("{}/docroot/{}", env!("CARGO_MANIFEST_DIR"), picture.path);
            let svg = std::fs::read_to_string(file).unwrap();
            let size = format!("viewBox=\"0 0 {} {}\"", picture.width, picture.height);
            assert!(svg.contains(&size), "{}", picture.path);
        }
    }

    #[tokio::test]
    async fn every_comment_belongs_to_an_earlier_story() {
        let mut site = DataMut::<Site>::in_memory();
        for update in super::updates() {
            site.update(update).await.unwrap().unwrap();
        }
        assert_eq!(site.stories.count(), 6);
    }
}
