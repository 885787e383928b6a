//! What is asked of the model, in blocks.

use branchwork_core::message::Part;
use serde_json::Value;

use super::{attachments, block::Block};
use crate::{joined::Context, rules::Rule, wire::Pen};

/// The blocks of an instruction: its texts, a line break between those that stand side by side, its
/// attachments where they stand, and its context as the last.
///
/// # Errors
///
/// What the protocol cannot say and nobody should miss, as a clause.
pub(super) fn blocks<'a>(
    pen: &mut Pen,
    parts: &'a [Part],
    context: Option<&'a Value>,
) -> Result<Vec<Block<'a>>, String> {
    let (mut blocks, mut text) = (Vec::new(), String::new());
    for part in parts {
        let attachment = match part {
            Part::Text(more) => {
                add(&mut text, "\n", more);
                continue;
            }
            Part::Data(value) => {
                add(&mut text, "\n", &value.to_string());
                continue;
            }
            Part::Image { url, detail } => {
                if detail.is_some() {
                    pen.adapt(Rule::ImageDetailLeftOut);
                }
                attachments::image(url)?
            }
            Part::File { name, source } => attachments::file(name.as_deref(), source)?,
            Part::Audio { .. } => return Err("this protocol takes no sound".to_owned()),
            _ => {
                pen.adapt(Rule::NativeLeftOut);
                continue;
            }
        };
        blocks.extend(Block::text(std::mem::take(&mut text)));
        blocks.push(attachment);
    }
    if let Some(context) = context {
        add(&mut text, "\n\n", &Context::new(context).to_string());
    }
    blocks.extend(Block::text(text));
    Ok(blocks)
}

fn add(text: &mut String, between: &str, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str(between);
    }
    text.push_str(more);
}
