import SpindleCore
import Testing

@testable import SpindlePlugins

@Suite struct ElfImageTests {
    private func reason(_ bytes: [UInt8], machine: UInt16 = ElfImage.hostMachine) -> String {
        do {
            _ = try ElfImage(bytes, machine: machine)
            return "accepted"
        } catch {
            return error.message
        }
    }

    /// The smallest header that says "shared library for this machine".
    private var header: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        bytes.replaceSubrange(0..<6, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        bytes[16] = 3
        bytes[18] = UInt8(truncatingIfNeeded: ElfImage.hostMachine)
        bytes[54] = 56
        bytes[56] = 1
        return bytes
    }

    @Test func refusesWhatIsNoSharedLibrary() {
        #expect(reason([]).contains("not an ELF file"))
        #expect(reason(Array("#!/bin/sh\n".utf8)).contains("not an ELF file"))
        #expect(reason([0x7F, 0x45, 0x4C, 0x46]).contains("ends within the ELF header"))
        var bytes = header
        bytes[4] = 1
        #expect(reason(bytes).contains("64-bit"))
        bytes = header
        bytes[16] = 2
        #expect(reason(bytes).contains("not a shared library"))
        bytes = header
        bytes[18] = 40
        #expect(reason(bytes).contains("another machine (ARM)"))
        bytes = header
        bytes[56] = 0
        #expect(reason(bytes).contains("program headers are malformed"))
        #expect(reason(header).contains("no dynamic section") || reason(header).contains("truncated"))
    }

    @Test func offsetsOutOfRangeAreRefusedNotTrapped() {
        for field in [32, 40] {
            var bytes = header
            for index in 0..<8 { bytes[field + index] = 0xFF }
            #expect(reason(bytes) != "accepted")
        }
    }

    /// Whatever one flips in a header, the reader answers.
    @Test func survivesRandomBytes() {
        let random = SeededRandomSource(seed: 7)
        for _ in 0..<2000 {
            var bytes = header + (0..<256).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            bytes[32] = 64
            for _ in 0..<4 { bytes[64 + Int(random.next() % 200)] = UInt8(truncatingIfNeeded: random.next() & 3) }
            #expect(reason(bytes) != "accepted")
        }
    }
}
