import Glibc
import SpindleCore
import SpindleWire
import Testing

@testable import SpindlePlugins

/// What a plugin can say that writes to its worker's socket itself.
@Suite struct HostileFrameTests {
    @Test("one call reads so much only, and the next ones the rest")
    func turns() throws {
        // Frames of 16 bytes: no body, the type of a heartbeat, no handle.
        let count = 1 << 17
        var bytes = [UInt8](repeating: 0, count: 16 * count)
        for index in 0..<count { bytes[16 * index + 4] = UInt8(SPW_HEARTBEAT) }
        let file = Descriptor(sps_memory_make("frames"))
        // At its own place, so that it is read from the start.
        let written = pwrite(file.number, bytes, bytes.count, 0)
        try #require(written == bytes.count)
        let reader = FrameReader()
        var (taken, turns) = (0, 0)
        while true {
            let before = taken
            let end = reader.read(file.number) { _ in
                taken += 1
                return true
            }
            #expect((taken - before) * 16 <= FrameReader.turn + 128 * 1024)
            turns += 1
            if end == .closed { break }
            guard end == .more || end == .drained else {
                Issue.record("\(end)")
                break
            }
        }
        #expect(taken == count && turns > 4)
    }

    private static func result(_ body: (FrameWriter, inout spw_completed) -> Void) -> ExecutionResult {
        let writer = FrameWriter()
        var message = spw_completed()
        body(writer, &message)
        return ExecutionResult(message)
    }

    @Test(
        "codes are of the ABI's form, and the host's own only where a session gives them",
        arguments: [
            ("zoo.never", "zoo.never"), ("spindle.contract", "spindle.contract"), ("spindle.busy", "spindle.busy"),
            ("spindle.worker.crashed", "error"), ("spindle.", "error"), ("Zoo", "error"), ("a b", "error"), ("", "error"),
            (String(repeating: "x", count: 64), String(repeating: "x", count: 64)), (String(repeating: "x", count: 65), "error"),
        ]
    )
    func codes(_ said: String, _ expected: String) {
        let result = Self.result { writer, message in
            message.outcome = 2
            message.fault.code = writer.bytes(said)
        }
        #expect(result.class == .permanent && result.errorCode == expected)
    }

    @Test("what a result holds is no larger than the ABI allows")
    func sizes() {
        let long = String(repeating: "x", count: 2 * Limits.payload)
        let failed = Self.result { writer, message in
            message.outcome = 1
            message.fault.message = writer.bytes(long)
            message.fault.stack_trace = writer.bytes(long)
            message.fault.details = writer.bytes(long)
        }
        #expect(failed.class == .retryable && failed.details == nil)
        #expect(failed.errorMessage?.utf8.count == Limits.message && failed.stackTrace?.utf8.count == Limits.stackTrace)
        let large = Self.result { writer, message in message.output = writer.bytes(long) }
        #expect(large.class == .permanent && large.errorCode == "spindle.too_large" && large.output == nil)
        let most = Self.result { writer, message in message.output = writer.bytes(String(long.prefix(Limits.payload))) }
        #expect(most.success && most.output?.bytes.count == Limits.payload)
        let metadata = Self.result { writer, message in
            message.metadata = writer.pairs(Parameters(["k": long]))
        }
        #expect(metadata.errorCode == "spindle.too_large" && metadata.metadata.isEmpty)
    }

    @Test("of the checkpoints of an attempt only the newest goes on, where it was")
    func checkpoints() {
        func key(_ number: UInt64) -> AttemptKey {
            AttemptKey(ExecutionID(UUIDv7(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 | number)), 1)
        }
        let events: [AttemptEvent] = [
            .checkpoint(key(1), [1]), .checkpoint(key(2), [2]), .progress(key(1), fraction: 0, note: ""), .checkpoint(key(1), [3]),
            .codeEnded(key(1)),
        ]
        let told = WorkerPool.withNewestCheckpoints(events).map { event -> String in
            switch event {
            case .checkpoint(_, let bytes): "\(bytes[0])"
            case .progress: "progress"
            default: "other"
            }
        }
        #expect(told == ["2", "progress", "3", "other"])
    }
}
