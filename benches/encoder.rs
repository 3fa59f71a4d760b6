//! Embedding: papers and tokens a second, beside candle-transformers' BERT as it comes, on the
//! same texts in the same run, round after round.
//!
//! `cargo bench --bench encoder` takes the papers of the repository's sample;
//! `AKIN_BENCH_DUMP` names another dump, `AKIN_BENCH_PAPERS` how many of it (default 100),
//! `AKIN_BENCH_ROUNDS` how many rounds (default 5). One JSON object a line; medians; the ratio
//! first.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::unwrap_used, reason = "a benchmark may fail")]

mod common;

use akin::dump::{Dump, Item, ReadOptions, Source};
use akin::encoder::{Encoder, EncoderOptions, ModelSource, Precision, Role};
use akin::progress::Unobserved;
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use common::{median, setting, timed};
use tokenizers::{Tokenizer, TruncationParams};

const WEIGHTS: &[u8] = include_bytes!("../models/all-MiniLM-L6-v2/model.safetensors");
const TOKENIZER: &[u8] = include_bytes!("../models/all-MiniLM-L6-v2/tokenizer.json");
const CONFIG: &str = include_str!("../models/all-MiniLM-L6-v2/config.json");
/// Texts of a padded batch: what suits candle best on this model.
const CANDLE_BATCH: usize = 8;

fn main() {
    let texts = passages();
    let rounds = setting("AKIN_BENCH_ROUNDS", 5);
    let load = |precision| {
        let options = EncoderOptions {
            precision,
            ..EncoderOptions::default()
        };
        Encoder::load(&ModelSource::Bundled, &options).unwrap()
    };
    let (f32, int8) = (load(Precision::F32), load(Precision::Int8));
    let candle = candle();
    let ids: Vec<Vec<u32>> = f32
        .encode(&texts, Role::Passage)
        .unwrap()
        .into_iter()
        .map(|encoding| encoding.ids)
        .collect();
    let n_tokens: usize = ids.iter().map(Vec::len).sum();

    let mut seconds = [const { Vec::new() }; 3];
    for _ in 0..rounds {
        for (encoder, seconds) in [&f32, &int8].into_iter().zip(&mut seconds) {
            let embed = || encoder.embed(&texts, Role::Passage, &Unobserved).unwrap();
            seconds.push(timed(embed));
        }
        seconds[2].push(timed(|| embed_with_candle(&candle, &ids)));
    }
    let [f32_seconds, int8_seconds, candle_seconds] = seconds.map(median);
    let line = |name: &str, seconds: f64| {
        let rate = |n: usize| (n as f64 / seconds).round();
        println!(
            "{}",
            serde_json::json!({
                "times_candle": candle_seconds / seconds,
                "encoder": name,
                "papers": texts.len(),
                "tokens": n_tokens,
                "papers_per_s": rate(texts.len()),
                "tokens_per_s": rate(n_tokens),
                "rounds": rounds,
            })
        );
    };
    line(
        &format!("akin f32, {}", f32.describe_arithmetic()),
        f32_seconds,
    );
    line(
        &format!("akin int8, {}", int8.describe_arithmetic()),
        int8_seconds,
    );
    line("candle-transformers f32, as it comes", candle_seconds);
    query_latency(&[("f32", &f32), ("int8", &int8)]);
    splitting(&f32, &texts, rounds);
}

fn passages() -> Vec<String> {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/arxiv-1000.jsonl");
    let path = std::env::var("AKIN_BENCH_DUMP").unwrap_or_else(|_| sample.to_owned());
    let n_papers = setting("AKIN_BENCH_PAPERS", 100);
    let dump = Dump::open(&Source::from_arg(path), &ReadOptions::default()).unwrap();
    dump.flatten()
        .filter_map(Item::into_paper)
        .take(n_papers)
        .map(|paper| paper.passage())
        .collect()
}

fn candle() -> BertModel {
    let tensors = candle_core::safetensors::load_buffer(WEIGHTS, &Device::Cpu).unwrap();
    let floats = tensors
        .into_iter()
        .map(|(name, tensor)| (name, tensor.to_dtype(DType::F32).unwrap()))
        .collect();
    let weights = VarBuilder::from_tensors(floats, DType::F32, &Device::Cpu);
    let config: Config = serde_json::from_str(CONFIG).unwrap();
    BertModel::load(weights, &config).unwrap()
}

/// Embeds texts in padded batches of like length, mean-pooled.
fn embed_with_candle(model: &BertModel, texts: &[Vec<u32>]) -> Vec<Tensor> {
    let mut sorted: Vec<&Vec<u32>> = texts.iter().collect();
    sorted.sort_by_key(|ids| ids.len());
    let embed = |batch: &[&Vec<u32>]| {
        let n_tokens = batch.iter().map(|ids| ids.len()).max().unwrap();
        let shape = (batch.len(), n_tokens);
        let padded = |ids: &&Vec<u32>| {
            let padding = n_tokens - ids.len();
            [&ids[..], &vec![0; padding]].concat()
        };
        let ids: Vec<u32> = batch.iter().flat_map(padded).collect();
        let mask: Vec<f32> = ids.iter().map(|id| f32::from(*id != 0)).collect();
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu).unwrap();
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu).unwrap();
        let hidden = model
            .forward(&ids, &ids.zeros_like().unwrap(), Some(&mask))
            .unwrap();
        let weights = mask.unsqueeze(2).unwrap();
        let summed = hidden.broadcast_mul(&weights).unwrap().sum(1).unwrap();
        summed.broadcast_div(&weights.sum(1).unwrap()).unwrap()
    };
    sorted.chunks(CANDLE_BATCH).map(embed).collect()
}

fn query_latency(encoders: &[(&str, &Encoder)]) {
    let query = "how do the planets of a young star form out of its disk of gas";
    for (name, encoder) in encoders {
        let milliseconds: Vec<f64> = (0..200)
            .map(|_| 1e3 * timed(|| encoder.embed_query(query).unwrap()))
            .collect();
        println!(
            "{}",
            serde_json::json!({ "encoder": format!("akin {name}"), "query_ms_p50": median(milliseconds) })
        );
    }
}

/// Splitting into tokens, on all cores, beside the tokenizers crate's own way with a batch.
fn splitting(encoder: &Encoder, texts: &[String], rounds: usize) {
    let mut tokenizer = Tokenizer::from_bytes(TOKENIZER).unwrap();
    let truncation = TruncationParams {
        max_length: encoder.recipe().max_tokens,
        ..TruncationParams::default()
    };
    tokenizer.with_padding(None);
    tokenizer.with_truncation(Some(truncation)).unwrap();
    let theirs = || -> Vec<Vec<u32>> {
        let encodings = tokenizer.encode_batch_fast(texts.to_vec(), true).unwrap();
        encodings.iter().map(|e| e.get_ids().to_vec()).collect()
    };
    let mut seconds = [const { Vec::new() }; 2];
    for _ in 0..rounds {
        seconds[0].push(timed(|| encoder.encode(texts, Role::Passage).unwrap()));
        seconds[1].push(timed(theirs));
    }
    let [ours, theirs] = seconds.map(median);
    println!(
        "{}",
        serde_json::json!({
            "times_encode_batch_fast": theirs / ours,
            "papers_split_per_s": (texts.len() as f64 / ours).round(),
            "papers": texts.len(),
        })
    );
}
