import Glibc
import SpindleCore
import SpindleEngine

/// Another job system, measured by a command of its own that ends with a line `PEER NAME jobs_per_s=N p50_ms=N p99_ms=N`.
struct PeerRun: Sendable {
    /// What it said.
    struct Figures: Sendable {
        var name: String
        /// Jobs a second over their whole life: enqueued and done.
        var perSecond: Double
        /// Milliseconds from enqueueing into the idle system to the start of the job.
        var pickUp: (p50: Double, p99: Double)
    }

    /// Given to `sh -c`.
    let command: String

    /// Runs it to its end.
    func run() async throws -> Figures {
        let (output, status) = try await withCheckedThrowingContinuation { continuation in
            // A thread of its own: reading blocks until the command has ended.
            OwnThread.start { continuation.resume(with: Result { try read() }) }
        }
        guard let figures = Self.figures(in: output) else {
            throw SpindleError(
                .invalidRequest,
                "--vs \(command): the command ended with status \(status) and without a line \"PEER NAME jobs_per_s=N p50_ms=N p99_ms=N\"."
            )
        }
        return figures
    }

    private func read() throws -> (String, Int32) {
        guard let stream = popen(command, "re") else {
            throw SpindleError(.internal, "--vs \(command): no process can be started.")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        // Only what comes last is of interest.
        while case let count = fread(&chunk, 1, chunk.count, stream), count > 0 {
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > 1 << 20 { bytes.removeFirst(bytes.count - 4096) }
        }
        let status = pclose(stream)
        return (String(decoding: bytes, as: UTF8.self), status >> 8 & 0xFF)
    }

    /// The last line of the form, wherever it stands.
    static func figures(in output: String) -> Figures? {
        for line in output.split(separator: "\n").reversed() {
            let words = line.split(separator: " ")
            guard words.count > 2, words[0] == "PEER" else { continue }
            func number(_ name: String) -> Double? {
                let value = words.first { $0.hasPrefix("\(name)=") }.flatMap { Double($0.dropFirst(name.count + 1)) }
                // Not NaN, and small enough for the arithmetic of the tables.
                return value.flatMap { (0...1e12).contains($0) ? $0 : nil }
            }
            guard let rate = number("jobs_per_s"), let p50 = number("p50_ms"), let p99 = number("p99_ms"),
                rate > 0
            else { continue }
            return Figures(name: String(words[1]), perSecond: rate, pickUp: (p50, p99))
        }
        return nil
    }
}

/// Spindle and a peer by turns, so that both see the same neighbours; medians of a few rounds.
struct Comparison: Encodable, Sendable {
    let peer: String
    let rounds: Int
    let peerPerSecond: Double
    let perSecond: Double
    /// The median of the ratios of each round.
    let ratio: Double
    let peerPickUpP50Milliseconds: Double
    let pickUpP50Milliseconds: Double
    let peerPickUpP99Milliseconds: Double
    let pickUpP99Milliseconds: Double

    /// Pairs rounds of the peer with Spindle's.
    ///
    /// - Parameters:
    ///   - peers: One for each round.
    ///   - full: Executions a second of each round.
    ///   - single: Pick-up times of one execution at a time, of each round.
    init(_ peers: [PeerRun.Figures], full: [Double], single: [Quantiles]) {
        func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
        peer = peers.first?.name ?? ""
        rounds = peers.count
        peerPerSecond = median(peers.map(\.perSecond))
        perSecond = median(full)
        ratio = median(zip(full, peers).map { $0 / $1.perSecond })
        peerPickUpP50Milliseconds = median(peers.map(\.pickUp.p50))
        pickUpP50Milliseconds = median(single.map(\.p50))
        peerPickUpP99Milliseconds = median(peers.map(\.pickUp.p99))
        pickUpP99Milliseconds = median(single.map(\.p99))
    }
}
