//! The rules by which a request says something otherwise than the history: one name for each, whichever
//! protocols have it. What each means in a protocol, and why, is told by the table of that protocol.

/// Defines the rules, by their names.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal,)*) => {
        /// A rule by which something is sent otherwise than it is kept.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All of them.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$rule),*];

            /// What it is called where it is counted.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }
        }
    };
}

rules! {
    /// Words stand for an answer between results and what is said next.
    AnswerPutIn = "answer_put_in",
    /// Arguments of a call that are no JSON object go in one.
    ArgumentsWrapped = "arguments_wrapped",
    /// The user asks to go on, behind an answer at the end.
    AskedToGoOn = "asked_to_go_on",
    /// Pictures, files and sounds of an answer are not sent.
    AttachmentLeftOut = "attachment_left_out",
    /// An instruction that says nothing is not sent.
    BlankInstructionLeftOut = "blank_instruction_left_out",
    /// Something stands for an instruction that says nothing.
    BlankPutIn = "blank_put_in",
    /// A text that says nothing is not sent.
    BlankTextLeftOut = "blank_text_left_out",
    /// The identifier of a call is of a form that is taken.
    CallIdRemade = "call_id_remade",
    /// The name of a called function is of a form that is taken.
    CallNameRemade = "call_name_remade",
    /// A text is sent without what it cites.
    CitationsLeftOut = "citations_left_out",
    /// A call that ran in a container is not sent.
    ContainerCallLeftOut = "container_call_left_out",
    /// A thought that would stand where the model never had it is not sent.
    DisplacedThoughtLeftOut = "displaced_thought_left_out",
    /// An answer that says nothing is not sent.
    EmptyAnswerLeftOut = "empty_answer_left_out",
    /// The user asks something before an answer at the beginning.
    FirstMessageAsked = "first_message_asked",
    /// A picture is sent without how closely to look at it.
    ImageDetailLeftOut = "image_detail_left_out",
    /// A block that only another provider understands is not sent.
    NativeLeftOut = "native_left_out",
    /// A block that only another model understands is not sent.
    NativeOfOtherModelLeftOut = "native_of_other_model_left_out",
    /// A tool that cannot be called is declared where none is on offer.
    NoToolsDeclared = "no_tools_declared",
    /// The user asks something where nothing else is sent.
    NothingAsked = "nothing_asked",
    /// Something is sent without its signature.
    SignatureLeftOut = "signature_left_out",
    /// A stand-in is sent where a signature is wanted.
    SignaturePutIn = "signature_put_in",
    /// What a server told of its sources is not sent.
    SourceLeftOut = "source_left_out",
    /// A late system message is what the user says.
    SystemAsUser = "system_as_user",
    /// What was said behind calls is said before them.
    TextPutBeforeCalls = "text_put_before_calls",
    /// A thought that nothing follows in its answer is not sent.
    ThoughtAtEndLeftOut = "thought_at_end_left_out",
    /// A thought is sent without its identifier.
    ThoughtIdLeftOut = "thought_id_left_out",
    /// A thought that the provider does not take is not sent.
    ThoughtLeftOut = "thought_left_out",
    /// A thought of another model is not sent.
    ThoughtOfOtherModelLeftOut = "thought_of_other_model_left_out",
    /// Two turns of one side are one.
    TurnsJoined = "turns_joined",
    /// A call of a tool of the server without its result, or a result without its call, is not sent.
    UnpairedNativeLeftOut = "unpaired_native_left_out",
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    const PROTOCOLS: [&str; 5] = ["anthropic", "chat", "gemini", "ollama", "responses"];

    /// The text of a file, or of all files of a folder, below the sources.
    fn source(path: &str) -> String {
        let path = format!("{}/src/{path}", env!("CARGO_MANIFEST_DIR"));
        let files = fs::read_dir(&path).map(|files| files.map(|file| file.unwrap().path()));
        match files {
            Ok(files) => files
                .filter(|file| file.is_file())
                .map(|file| fs::read_to_string(file).unwrap())
                .collect(),
            Err(_file) => fs::read_to_string(path).unwrap(),
        }
    }

    /// The names in the table of a protocol.
    fn told(protocol: &str) -> BTreeSet<String> {
        let text = source(&format!("{protocol}/mod.rs"));
        let cells =
            text.lines().filter_map(|line| line.strip_prefix("//! | `")?.split(" | ").next());
        cells.flat_map(|cell| cell.split(", ")).map(|name| name.replace('`', "")).collect()
    }

    #[test]
    fn the_table_of_each_protocol_tells_its_rules_and_no_others() {
        let mut all = BTreeSet::new();
        for protocol in PROTOCOLS {
            let code = source(&format!("{protocol}/request"));
            let used = |rule: &&Rule| {
                let name = format!("Rule::{rule:?}");
                let mut rests = code.split(&name).skip(1);
                rests.any(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
            };
            let used = Rule::ALL.iter().filter(used).map(|rule| rule.as_str().to_owned());
            let used: BTreeSet<_> = used.collect();
            assert_eq!(used, told(protocol), "{protocol}");
            all.extend(used);
        }
        let named: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.as_str().to_owned()).collect();
        assert_eq!(all, named, "each rule is one of a protocol");
        assert_eq!(named.len(), Rule::ALL.len(), "no two rules have one name");
    }
}
