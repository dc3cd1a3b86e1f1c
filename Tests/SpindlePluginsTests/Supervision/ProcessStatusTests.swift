import Glibc
import SpindleCore
import Testing

@testable import SpindlePlugins

/// What `/proc` says of a process.
@Suite
struct ProcessStatusTests {
    @Test("a name with anything in it does not shift the fields")
    func name() throws {
        let numbers = (4...52).map { "\($0)" }.joined(separator: " ")
        for name in ["a", ") R 1 (", "a b c", ")))", ""] {
            let text = Array("7 (\(name)) T \(numbers)".utf8)
            let status = try #require(ProcessStatus(stat: text, ticks: 100, page: 4096))
            #expect(status.state == UInt8(ascii: "T"))
            #expect(status.processorTime == (14 + 15 + 16 + 17) * 10_000)
            #expect(status.memory == 24 * 4096)
        }
    }

    @Test("text that is no such line gives nothing, and nothing traps")
    func garbage() {
        let random = SeededRandomSource(seed: 3)
        #expect(ProcessStatus(stat: [], ticks: 100, page: 4096) == nil)
        #expect(ProcessStatus(stat: Array("1 (a) R 1".utf8), ticks: 100, page: 4096) == nil)
        let large = (0..<50).map { _ in "9223372036854775807" }.joined(separator: " ")
        _ = ProcessStatus(stat: Array("1 (a) R \(large)".utf8), ticks: 100, page: 4096)
        for _ in 0..<1000 {
            let text = (0..<200).map { _ in Array(")( 019-R\n".utf8)[Int(random.next() % 9)] }
            _ = ProcessStatus(stat: text, ticks: 100, page: 4096)
        }
    }

    @Test("this process has memory and a state")
    func own() throws {
        let status = try #require(ProcessStatus(getpid()))
        #expect(status.memory > 1 << 20)
        #expect(status.processorTime >= 0)
        let usage = WorkerUsage(root: getpid())
        #expect(usage.processes >= 1 && usage.memory >= status.memory / 2 && !usage.isInitStopped)
    }
}
