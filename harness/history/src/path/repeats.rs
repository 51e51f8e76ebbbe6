//! Loops: a row of items that comes again right after itself counts once.

/// How many items long a loop's body may be. Longer ones are not found.
const BODY_MAX: usize = 64;

/// An item, and whether a row of items that ends with it came more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item<T> {
    pub(super) value: T,
    pub(super) is_repeated: bool,
}

/// The items without repeats, those within repeats included. `key` says which items are equal.
pub(super) fn collapse<T, K: PartialEq>(items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<Item<T>> {
    let mut kept: Vec<Item<T>> = Vec::new();
    for value in items {
        kept.push(Item { value, is_repeated: false });
        let longest = BODY_MAX.min(kept.len() / 2);
        let is_repeat = |body: &usize| {
            let (before, last) = kept.split_at(kept.len() - body);
            let before = &before[before.len() - body..];
            before.iter().rev().zip(last.iter().rev()).all(|(one, other)| key(&one.value) == key(&other.value))
        };
        if let Some(body) = (1..=longest).find(is_repeat) {
            // What is kept now was kept before the repeat began, so it ends with no other repeat.
            kept.truncate(kept.len() - body);
            if let Some(last) = kept.last_mut() {
                last.is_repeated = true;
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collapsed(items: &str) -> String {
        collapse(items.chars(), |item| *item).into_iter().map(|item| item.value).collect()
    }

    #[test]
    fn a_loop_counts_once_however_often_it_runs() {
        assert_eq!(["a", "aaa", "xabababy", "xababy", "xaby"].map(collapsed), ["a", "a", "xaby", "xaby", "xaby"]);
    }

    #[test]
    fn so_does_a_loop_in_a_loop() {
        assert_eq!(["xabbbabbaby", "xabaabbby", "xaby"].map(collapsed), ["xaby", "xaby", "xaby"]);
    }

    #[test]
    fn what_differs_stays() {
        assert_eq!(["abc", "abca", "abcb"].map(collapsed), ["abc", "abca", "abcb"]);
    }
}
