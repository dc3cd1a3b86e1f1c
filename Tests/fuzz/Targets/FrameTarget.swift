import Glibc
import SpindleCore
import SpindleWire

@testable import SpindlePlugins

/// Any bytes as what a worker sends: whole, then in two pieces, which must make no difference.
enum FrameTarget {
    /// The two ends of a pipe, neither of which waits.
    private static let ends: (read: Int32, write: Int32) = {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFL, O_NONBLOCK) == 0 }) else {
            fatalError("no pipe: errno \(errno)")
        }
        return (ends[0], ends[1])
    }()

    /// What the first byte and the rest say: where to cut, and the stream.
    static func test(_ bytes: [UInt8]) {
        guard let cut = bytes.first, bytes.count <= 32 * 1024 else { return }
        let stream = bytes.dropFirst()
        let whole = read([stream])
        let place = stream.startIndex + (stream.count * Int(cut) + 255) / 256
        let pieces = read([stream[..<place], stream[place...]])
        check(whole == pieces, "frames are the same however they come: \(whole) and \(pieces)")
    }

    /// What the host made of a frame.
    private enum Seen: Hashable {
        case result(ExecutionResult)
        case plugin(PluginManifest)
        case executor(PluginManifest.Executor)
        case bytes([UInt8])
        case texts([String])
    }

    private struct Stream: Hashable {
        var frames: [Seen] = []
        var isBroken = false
    }

    private static func read(_ pieces: [ArraySlice<UInt8>]) -> Stream {
        let reader = FrameReader()
        var stream = Stream()
        for piece in pieces where !piece.isEmpty && !stream.isBroken {
            let written = piece.withUnsafeBytes { write(ends.write, $0.baseAddress, $0.count) }
            check(written == piece.count, "a pipe takes \(piece.count) bytes")
            let end = reader.read(ends.read) { frame in
                guard let seen = take(frame, reader) else { return false }
                stream.frames += [.texts(["\(frame.type) \(frame.handle)"]), seen]
                return true
            }
            check(end != .closed, "an open pipe is not closed")
            stream.isBroken = end == .broken
        }
        return stream
    }

    /// What the host makes of a frame from a worker; nil if its body is not that message.
    private static func take(_ frame: borrowing spw_frame, _ reader: FrameReader) -> Seen? {
        switch FrameType(rawValue: frame.type) {
        case .completed: reader.decode(frame, spw_completed()).map { .result(ExecutionResult($0)) }
        case .reportPlugin: reader.decode(frame, spw_report_plugin()).map { .plugin(PluginManifest($0)) }
        case .reportExecutor: reader.decode(frame, spw_report_executor()).map { .executor(PluginManifest.Executor($0)) }
        case .checkpoint: reader.decode(frame, spw_blob()).map { .bytes($0.bytes.array) }
        case .log:
            reader.decode(frame, spw_log()).map { message in
                let line = LogLine(message)
                return .texts(["\(line.level) \(line.stream)", line.message] + line.fields.flatMap { [$0.0, $0.1] })
            }
        case .progress: reader.decode(frame, spw_progress()).map { .texts(["\($0.fraction)", $0.note.text]) }
        case .artefact: reader.decode(frame, spw_artefact()).map { .texts([$0.name.text, $0.bytes.text, "\($0.flags)"]) }
        case .failed: reader.decode(frame, spw_failed()).map { .texts([$0.code.text, $0.message.text]) }
        case .created, .answer: reader.decode(frame, spw_answer()).map { .texts(["\($0.status)", $0.fault.pointer.text]) }
        case .ready: reader.decode(frame, spw_ready()).map { .texts(["\($0.pid)"]) }
        case .pong: reader.decode(frame, spw_pong()).map { .texts(["\($0.nonce)"]) }
        case .exited: reader.decode(frame, spw_exited()).map { .texts(["\($0.wait_status) \($0.is_runner)"]) }
        case .released, .heartbeat, .reportEnd, .spawned: .texts([])
        default: nil
        }
    }
}
