//! Plans batches: texts of similar length within a token budget.
//!
//! In: token counts. Out: lists of indices, the longest texts first, so that the last batches
//! to finish are the cheap ones. Every index is in exactly one batch.

/// Tokens of a batch: enough to share out evenly among threads, few enough for a requested stop
/// to be heard within a second.
pub(super) const BUDGET_TOKENS: usize = 8192;

/// Groups texts by length so that each group, padded to its longest, is within `budget_tokens`;
/// a text longer than the budget is alone.
pub(super) fn plan(lengths: &[usize], budget_tokens: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(lengths[i]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match batches.last_mut() {
            Some(batch) if lengths[batch[0]] * (batch.len() + 1) <= budget_tokens => batch.push(i),
            _ => batches.push(vec![i]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_is_in_one_batch_within_the_budget(
            lengths in prop::collection::vec(0usize..600, 0..200),
            budget in 1usize..4096,
        ) {
            let batches = plan(&lengths, budget);
            let mut seen: Vec<usize> = batches.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len()).collect::<Vec<_>>());
            for batch in batches {
                let longest = batch.iter().map(|&i| lengths[i]).max().unwrap_or(0);
                prop_assert!(batch.len() == 1 || longest * batch.len() <= budget);
            }
        }
    }
}
