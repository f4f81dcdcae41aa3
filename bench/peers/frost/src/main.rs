//! Times round two and aggregation of ZcashFoundation's frost-ed25519, M of N with exactly M signers.
//! Arguments: M N CALLS. Prints JSON: CPU seconds a call. Commitments are read from bytes where a signer
//! or a coordinator would get them as bytes ("read and ..."), as ours always does.

use std::collections::BTreeMap;
use frost_ed25519 as frost;

fn main() {
    let arguments: Vec<u32> = std::env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    let (threshold, holders, calls) = (arguments[0] as u16, arguments[1] as u16, arguments[2]);
    let mut rng = rand::rngs::OsRng;
    let (shares, public) =
        frost::keys::generate_with_dealer(holders, threshold, frost::keys::IdentifierList::Default, &mut rng).unwrap();
    let packages: BTreeMap<_, _> = shares
        .into_iter()
        .take(threshold as usize)
        .map(|(id, share)| (id, frost::keys::KeyPackage::try_from(share).unwrap()))
        .collect();
    let mut nonces = BTreeMap::new();
    let mut commitments = BTreeMap::new();
    for (id, package) in &packages {
        let (nonce, commitment) = frost::round1::commit(package.signing_share(), &mut rng);
        nonces.insert(*id, nonce);
        commitments.insert(*id, commitment);
    }
    let encoded: BTreeMap<_, _> = commitments.iter().map(|(id, one)| (*id, one.serialize().unwrap())).collect();
    let message = vec![7u8; 1500];
    let package = frost::SigningPackage::new(commitments.clone(), &message);
    let (id, mine) = packages.iter().next().unwrap();
    let shares: BTreeMap<_, _> = packages
        .iter()
        .map(|(id, one)| (*id, frost::round2::sign(&package, &nonces[id], one).unwrap()))
        .collect();
    let read = || {
        let list = encoded
            .iter()
            .map(|(id, data)| (*id, frost::round1::SigningCommitments::deserialize(data).unwrap()))
            .collect();
        frost::SigningPackage::new(list, &message)
    };
    let sign = timed(calls, || {
        frost::round2::sign(&package, &nonces[id], mine).unwrap();
    });
    let read_and_sign = timed(calls, || {
        frost::round2::sign(&read(), &nonces[id], mine).unwrap();
    });
    let aggregate = timed(calls, || {
        frost::aggregate(&package, &shares, &public).unwrap();
    });
    let read_and_aggregate = timed(calls, || {
        frost::aggregate(&read(), &shares, &public).unwrap();
    });
    println!(
        "{{\"sign\": {sign}, \"read and sign\": {read_and_sign}, \"aggregate\": {aggregate}, \"read and aggregate\": {read_and_aggregate}}}"
    );
}

fn timed(calls: u32, mut action: impl FnMut()) -> f64 {
    let start = cpu_seconds();
    for _ in 0..calls {
        action();
    }
    (cpu_seconds() - start) / f64::from(calls)
}

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills in the structure it is given.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) }, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
