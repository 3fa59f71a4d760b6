//! The names of arXiv's categories, as its Dublin Core records spell them.
//!
//! In: "Computer Science - Computation and Language". Out: `cs.CL`. From the list at
//! <https://arxiv.org/category_taxonomy>.

/// Archives by their names, with the names of their categories.
type Archive = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The code of a category, or of an archive without categories.
pub(super) fn code(name: &str) -> Option<String> {
    let name = name.trim();
    if let Some((_, code)) = ALONE.iter().find(|(known, _)| *known == name) {
        return Some((*code).to_owned());
    }
    let (archive, category) = name.split_once(" - ").unwrap_or((name, ""));
    let (_, archive, categories) = ARCHIVES.iter().find(|(known, ..)| *known == archive)?;
    if category.is_empty() {
        return Some((*archive).to_owned());
    }
    let (_, code) = categories.iter().find(|(known, _)| *known == category)?;
    Some(format!("{archive}.{code}"))
}

/// Categories of archives that have but one, and those of high energy physics.
const ALONE: [(&str, &str); 9] = [
    ("General Relativity and Quantum Cosmology", "gr-qc"),
    ("High Energy Physics - Experiment", "hep-ex"),
    ("High Energy Physics - Lattice", "hep-lat"),
    ("High Energy Physics - Phenomenology", "hep-ph"),
    ("High Energy Physics - Theory", "hep-th"),
    ("Mathematical Physics", "math-ph"),
    ("Nuclear Experiment", "nucl-ex"),
    ("Nuclear Theory", "nucl-th"),
    ("Quantum Physics", "quant-ph"),
];

const ARCHIVES: [Archive; 11] = [
    (
        "Computer Science",
        "cs",
        &[
            ("Artificial Intelligence", "AI"),
            ("Hardware Architecture", "AR"),
            ("Computational Complexity", "CC"),
            ("Computational Engineering, Finance, and Science", "CE"),
            ("Computational Geometry", "CG"),
            ("Computation and Language", "CL"),
            ("Cryptography and Security", "CR"),
            ("Computer Vision and Pattern Recognition", "CV"),
            ("Computers and Society", "CY"),
            ("Databases", "DB"),
            ("Distributed, Parallel, and Cluster Computing", "DC"),
            ("Digital Libraries", "DL"),
            ("Discrete Mathematics", "DM"),
            ("Data Structures and Algorithms", "DS"),
            ("Emerging Technologies", "ET"),
            ("Formal Languages and Automata Theory", "FL"),
            ("General Literature", "GL"),
            ("Graphics", "GR"),
            ("Computer Science and Game Theory", "GT"),
            ("Human-Computer Interaction", "HC"),
            ("Information Retrieval", "IR"),
            ("Information Theory", "IT"),
            ("Machine Learning", "LG"),
            ("Logic in Computer Science", "LO"),
            ("Multiagent Systems", "MA"),
            ("Multimedia", "MM"),
            ("Mathematical Software", "MS"),
            ("Numerical Analysis", "NA"),
            ("Neural and Evolutionary Computing", "NE"),
            ("Networking and Internet Architecture", "NI"),
            ("Other Computer Science", "OH"),
            ("Operating Systems", "OS"),
            ("Performance", "PF"),
            ("Programming Languages", "PL"),
            ("Robotics", "RO"),
            ("Symbolic Computation", "SC"),
            ("Sound", "SD"),
            ("Software Engineering", "SE"),
            ("Social and Information Networks", "SI"),
            ("Systems and Control", "SY"),
        ],
    ),
    (
        "Mathematics",
        "math",
        &[
            ("Commutative Algebra", "AC"),
            ("Algebraic Geometry", "AG"),
            ("Analysis of PDEs", "AP"),
            ("Algebraic Topology", "AT"),
            ("Classical Analysis and ODEs", "CA"),
            ("Combinatorics", "CO"),
            ("Category Theory", "CT"),
            ("Complex Variables", "CV"),
            ("Differential Geometry", "DG"),
            ("Dynamical Systems", "DS"),
            ("Functional Analysis", "FA"),
            ("General Mathematics", "GM"),
            ("General Topology", "GN"),
            ("Group Theory", "GR"),
            ("Geometric Topology", "GT"),
            ("History and Overview", "HO"),
            ("Information Theory", "IT"),
            ("K-Theory and Homology", "KT"),
            ("Logic", "LO"),
            ("Metric Geometry", "MG"),
            ("Mathematical Physics", "MP"),
            ("Numerical Analysis", "NA"),
            ("Number Theory", "NT"),
            ("Operator Algebras", "OA"),
            ("Optimization and Control", "OC"),
            ("Probability", "PR"),
            ("Quantum Algebra", "QA"),
            ("Rings and Algebras", "RA"),
            ("Representation Theory", "RT"),
            ("Symplectic Geometry", "SG"),
            ("Spectral Theory", "SP"),
            ("Statistics Theory", "ST"),
        ],
    ),
    (
        "Astrophysics",
        "astro-ph",
        &[
            ("Cosmology and Nongalactic Astrophysics", "CO"),
            ("Earth and Planetary Astrophysics", "EP"),
            ("Astrophysics of Galaxies", "GA"),
            ("High Energy Astrophysical Phenomena", "HE"),
            ("Instrumentation and Methods for Astrophysics", "IM"),
            ("Solar and Stellar Astrophysics", "SR"),
        ],
    ),
    (
        "Condensed Matter",
        "cond-mat",
        &[
            ("Disordered Systems and Neural Networks", "dis-nn"),
            ("Mesoscale and Nanoscale Physics", "mes-hall"),
            ("Materials Science", "mtrl-sci"),
            ("Other Condensed Matter", "other"),
            ("Quantum Gases", "quant-gas"),
            ("Soft Condensed Matter", "soft"),
            ("Statistical Mechanics", "stat-mech"),
            ("Strongly Correlated Electrons", "str-el"),
            ("Superconductivity", "supr-con"),
        ],
    ),
    (
        "Physics",
        "physics",
        &[
            ("Accelerator Physics", "acc-ph"),
            ("Atmospheric and Oceanic Physics", "ao-ph"),
            ("Applied Physics", "app-ph"),
            ("Atomic and Molecular Clusters", "atm-clus"),
            ("Atomic Physics", "atom-ph"),
            ("Biological Physics", "bio-ph"),
            ("Chemical Physics", "chem-ph"),
            ("Classical Physics", "class-ph"),
            ("Computational Physics", "comp-ph"),
            ("Data Analysis, Statistics and Probability", "data-an"),
            ("Physics Education", "ed-ph"),
            ("Fluid Dynamics", "flu-dyn"),
            ("General Physics", "gen-ph"),
            ("Geophysics", "geo-ph"),
            ("History and Philosophy of Physics", "hist-ph"),
            ("Instrumentation and Detectors", "ins-det"),
            ("Medical Physics", "med-ph"),
            ("Optics", "optics"),
            ("Popular Physics", "pop-ph"),
            ("Physics and Society", "soc-ph"),
            ("Plasma Physics", "plasm-ph"),
            ("Space Physics", "space-ph"),
        ],
    ),
    (
        "Nonlinear Sciences",
        "nlin",
        &[
            ("Adaptation and Self-Organizing Systems", "AO"),
            ("Chaotic Dynamics", "CD"),
            ("Cellular Automata and Lattice Gases", "CG"),
            ("Pattern Formation and Solitons", "PS"),
            ("Exactly Solvable and Integrable Systems", "SI"),
        ],
    ),
    (
        "Quantitative Biology",
        "q-bio",
        &[
            ("Biomolecules", "BM"),
            ("Cell Behavior", "CB"),
            ("Genomics", "GN"),
            ("Molecular Networks", "MN"),
            ("Neurons and Cognition", "NC"),
            ("Other Quantitative Biology", "OT"),
            ("Populations and Evolution", "PE"),
            ("Quantitative Methods", "QM"),
            ("Subcellular Processes", "SC"),
            ("Tissues and Organs", "TO"),
        ],
    ),
    (
        "Quantitative Finance",
        "q-fin",
        &[
            ("Computational Finance", "CP"),
            ("Economics", "EC"),
            ("General Finance", "GN"),
            ("Mathematical Finance", "MF"),
            ("Portfolio Management", "PM"),
            ("Pricing of Securities", "PR"),
            ("Risk Management", "RM"),
            ("Statistical Finance", "ST"),
            ("Trading and Market Microstructure", "TR"),
        ],
    ),
    (
        "Statistics",
        "stat",
        &[
            ("Applications", "AP"),
            ("Computation", "CO"),
            ("Methodology", "ME"),
            ("Machine Learning", "ML"),
            ("Other Statistics", "OT"),
            ("Statistics Theory", "TH"),
        ],
    ),
    (
        "Electrical Engineering and Systems Science",
        "eess",
        &[
            ("Audio and Speech Processing", "AS"),
            ("Image and Video Processing", "IV"),
            ("Signal Processing", "SP"),
            ("Systems and Control", "SY"),
        ],
    ),
    (
        "Economics",
        "econ",
        &[
            ("Econometrics", "EM"),
            ("General Economics", "GN"),
            ("Theoretical Economics", "TH"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(code(name).as_deref(), expected, "{name}");
    }

    #[test]
    fn names_are_codes() {
        check("Computer Science - Computation and Language", Some("cs.CL"));
        check(" Mathematics - Logic ", Some("math.LO"));
        check("High Energy Physics - Theory", Some("hep-th"));
        check(
            "Condensed Matter - Strongly Correlated Electrons",
            Some("cond-mat.str-el"),
        );
        check("Quantum Physics", Some("quant-ph"));
        check("Mathematical Physics", Some("math-ph"));
        check("Astrophysics", Some("astro-ph"));
    }

    #[test]
    fn other_subjects_are_none() {
        for other in [
            "",
            "03E75",
            "Mathematics - Astrology",
            "Alchemy - Logic",
            "cs.CL",
        ] {
            check(other, None);
        }
    }
}
