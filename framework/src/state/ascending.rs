use std::collections::VecDeque;

/// The number of items in a node.
const NODE: usize = 56;
/// The number of items that stay in a node when it is split.
const FIRST: usize = 32;

/// Passes on sorted items in an order that fills the nodes of a map.
///
/// A node of an [`OrdMap`](imbl::OrdMap) has room for 64 items and is split in the middle, so items that are
/// inserted in ascending order leave each node half empty. Of each 56 items the first 32 are passed on at once
/// and become a node. The other 24 follow when that node has been split off, and are inserted into it.
#[derive(Debug, Clone)]
pub(super) struct Ascending<T> {
    /// Items of the last two nodes.
    later: VecDeque<T>,
    count: usize,
}

impl<T> Default for Ascending<T> {
    fn default() -> Ascending<T> {
        Ascending { later: VecDeque::new(), count: 0 }
    }
}

impl<T> Ascending<T> {
    /// Accepts the next item, and passes on the items that are due.
    pub(super) fn push(&mut self, item: T, mut insert: impl FnMut(T)) {
        let (node, place) = (self.count / NODE, self.count % NODE);
        self.count += 1;
        match place < FIRST {
            true => insert(item),
            false => self.later.push_back(item),
        }
        // This item has split off the node before the last one.
        if place == 0 && node >= 2 {
            self.later.drain(..NODE - FIRST).for_each(insert);
        }
    }

    /// Passes on the remaining items.
    pub(super) fn end(&mut self, insert: impl FnMut(T)) {
        std::mem::take(self).later.into_iter().for_each(insert);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_passed_on_at_most_two_nodes_late() {
        for count in [0, 1, 32, 56, 57, 112, 113, 114, 1000] {
            let (mut ascending, mut inserted) = (Ascending::default(), Vec::new());
            (0..count).for_each(|item| ascending.push(item, |item| inserted.push(item)));
            ascending.end(|item| inserted.push(item));
            let nodes: Vec<_> = inserted.iter().map(|item| item / NODE).collect();
            let mut latest = 0;
            for node in nodes {
                latest = latest.max(node);
                assert!(node + 2 >= latest, "{node} {latest}");
            }
            inserted.sort_unstable();
            assert!(inserted.into_iter().eq(0..count), "{count}");
        }
    }
}
