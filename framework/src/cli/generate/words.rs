use crate::problem::Problem;

/// Rust's keywords.
const KEYWORDS: [&str; 46] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "unsafe", "use",
    "where",
];

/// Modules that a site's main file cannot have, or uses otherwise.
const MODULES: [&str; 5] = ["alloc", "core", "headwater", "pictures", "std"];

/// Types and traits in the scope of generated code.
const TYPES: [&str; 60] = [
    "After",
    "App",
    "At",
    "Before",
    "Body",
    "Bytes",
    "Change",
    "Clone",
    "Cluster",
    "Content",
    "Cookies",
    "Data",
    "DataMut",
    "Default",
    "Deserialize",
    "Err",
    "Error",
    "FilledForm",
    "Form",
    "FormData",
    "FormFile",
    "Headers",
    "Index",
    "Json",
    "Key",
    "Method",
    "None",
    "Ok",
    "Option",
    "OrNotFound",
    "Page",
    "PageNumber",
    "Pages",
    "Path",
    "Place",
    "Position",
    "Problems",
    "Query",
    "Ref",
    "Reply",
    "Request",
    "RequestId",
    "Result",
    "Row",
    "Rows",
    "Self",
    "Serialize",
    "Session",
    "SessionUser",
    "Site",
    "Some",
    "State",
    "String",
    "Submitted",
    "Table",
    "TestVisitor",
    "Updates",
    "Value",
    "Vec",
    "Violation",
];

/// The names that derive from a word of the command line.
#[derive(Debug)]
pub(super) struct Words {
    /// `blog_post`
    pub(super) one: String,
    /// `blog_posts`, which is the module too
    pub(super) many: String,
}

impl Words {
    /// Derives the names from `one`, which may be written as `blog_post`, `blog-post` or `BlogPost`.
    ///
    /// # Errors
    /// Fails when it cannot be a name, and suggests another.
    pub(super) fn new(one: &str, many: Option<&str>) -> Result<Words, Problem> {
        let one = identifier(one)?;
        let many = many.map_or_else(|| Ok(plural(&one)), identifier)?;
        if one == many {
            return Err(Problem::new(format!(
                "`{one}` is one and many; name the many differently, with --plural all_{one}"
            )));
        }
        if MODULES.contains(&&*many) {
            return Err(Problem::new(format!(
                "`{many}` is a module that the code has for something else; name the many differently, with --plural \
                 all_{many}"
            )));
        }
        let (type_of_one, type_of_many) = (camel_case(&one), camel_case(&many));
        if type_of_many == type_of_one || type_of_many == format!("{type_of_one}Form") {
            return Err(Problem::new(format!(
                "`{type_of_many}` would be two types; name the many differently, with --plural all_{one}"
            )));
        }
        for word in [&one, &many] {
            let name = camel_case(word);
            if TYPES.contains(&&*name) || TYPES.contains(&&*format!("{name}Form")) {
                return Err(Problem::new(format!(
                    "`{name}` is a type that the code uses already; write another word, as in site_{word}"
                )));
            }
        }
        Ok(Words { one, many })
    }

    /// Returns the row's type, `BlogPost`.
    pub(super) fn type_of_one(&self) -> String {
        camel_case(&self.one)
    }

    /// Returns the state's type, `BlogPosts`.
    pub(super) fn type_of_many(&self) -> String {
        camel_case(&self.many)
    }

    /// Fills in the placeholders in a text.
    pub(super) fn filled(&self, text: &str) -> String {
        let article = if self.one.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        text.replace("@one@", &self.one)
            .replace("@many@", &self.many)
            .replace("@One@", &self.type_of_one())
            .replace("@Many@", &self.type_of_many())
            .replace("@path@", &self.many.replace('_', "-"))
            .replace("@a label@", &format!("{article} {}", label(&self.one)))
            .replace("@label@", &label(&self.one))
            .replace("@labels@", &label(&self.many))
            .replace("@Label@", &heading(&self.one))
            .replace("@Labels@", &heading(&self.many))
    }
}

/// Converts `word` to a name in Rust: `BlogPost` and `blog-post` become `blog_post`.
pub(super) fn identifier(word: &str) -> Result<String, Problem> {
    let mut name = String::new();
    for letter in word.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        name.push(if letter == '-' { '_' } else { letter.to_ascii_lowercase() });
    }
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !name.ends_with('_')
        && !name.contains("__")
        && name.len() <= 40;
    if !is_name {
        return Err(Problem::new(format!(
            "`{}` cannot be a name in the code; write up to 40 of a to z, digits and `_`, a letter first, as in \
             blog_post",
            word.escape_debug()
        )));
    }
    if KEYWORDS.contains(&&*name) {
        return Err(Problem::new(format!(
            "`{name}` is a word of Rust; write another, as in the_{name}"
        )));
    }
    Ok(name)
}

/// Converts `blog_post` to words: "blog post".
pub(super) fn label(name: &str) -> String {
    name.replace('_', " ")
}

/// Converts `blog_post` to a heading: "Blog post".
pub(super) fn heading(name: &str) -> String {
    let mut label = label(name);
    label[..1].make_ascii_uppercase();
    label
}

fn camel_case(name: &str) -> String {
    let mut camel = String::new();
    for word in name.split('_') {
        let (first, rest) = word.split_at(1);
        camel += &first.to_ascii_uppercase();
        camel += rest;
    }
    camel
}

fn plural(one: &str) -> String {
    match one.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if one.ends_with(['s', 'x', 'z']) || one.ends_with("ch") || one.ends_with("sh") => {
            format!("{one}es")
        }
        _ => format!("{one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_derive_from_one_word() {
        let words = Words::new("BlogPost", None).unwrap();
        let text = "@one@ @many@ @One@ @Many@ /@path@ @a label@ @labels@ @Label@ @Labels@";
        assert_eq!(
            words.filled(text),
            "blog_post blog_posts BlogPost BlogPosts /blog-posts a blog post blog posts Blog post Blog posts"
        );
        let many = |one| Words::new(one, None).unwrap().many;
        assert_eq!(
            ["story", "day", "fox", "match_day", "dish"].map(many).join(" "),
            "stories days foxes match_days dishes"
        );
        assert_eq!(Words::new("news", Some("all-news")).unwrap().many, "all_news");
        assert!(words.filled("@a label@").starts_with("a "));
        assert_eq!(Words::new("entry", None).unwrap().filled("@a label@"), "an entry");
    }

    #[test]
    fn an_invalid_name_is_refused_with_advice() {
        for word in
            ["", "Geschichte ", "9lives", "a b", "ä", "a\n", "_x", "x__y", "../x", &*"x".repeat(41)]
        {
            let message = Words::new(word, None).unwrap_err().message;
            assert!(message.ends_with("as in blog_post") && !message.contains('\n'), "{message}");
        }
        for (word, advice) in [
            ("type", "the_type"),
            ("Table", "site_table"),
            ("page", "site_page"),
            ("update", "site_updates"),
            ("picture", "--plural all_pictures"),
        ] {
            let message = Words::new(word, None).unwrap_err().message;
            assert!(message.ends_with(advice), "{message}");
        }
        assert!(
            Words::new("news", Some("news")).unwrap_err().message.contains("--plural all_news")
        );
        for many in ["a_1", "a1_form"] {
            let message = Words::new("a1", Some(many)).unwrap_err().message;
            assert!(message.contains("would be two types"), "{message}");
        }
    }
}
