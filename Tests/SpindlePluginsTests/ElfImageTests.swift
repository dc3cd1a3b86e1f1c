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

    /// A whole library: one symbol, the factory, behind a GNU hash table of one bucket.
    ///
    /// - Parameters:
    ///   - symbols: The first symbol that is hashed, and the last that a bucket names.
    ///   - runPaths: How often the run path `path` is named.
    ///   - stack: What the stack may be (1 execute, 2 write, 4 read); nil says nothing of it.
    private func library(
        symbols: (first: UInt32, last: UInt32) = (1, 1),
        runPaths: Int = 0,
        path: String = "/opt/lib",
        stack: UInt32? = nil
    ) -> [UInt8] {
        func little<Number: FixedWidthInteger>(_ numbers: Number...) -> [UInt8] {
            numbers.flatMap { number in withUnsafeBytes(of: number.littleEndian) { Array($0) } }
        }
        let names = [0] + Array(ElfImage.factorySymbol.utf8) + [0] + Array(path.utf8) + [0]
        let entries = 4 + runPaths + 1
        let headers = stack == nil ? 2 : 3
        let dynamicAt = UInt64(64 + headers * 56)
        let symbolsAt = dynamicAt + UInt64(entries * 16)
        let namesAt = symbolsAt + 48
        let hashAt = namesAt + UInt64(names.count)
        var dynamic: [UInt8] = little(6, symbolsAt, 5, namesAt, 10, UInt64(names.count), 0x6FFF_FEF5, hashAt)
        for _ in 0..<runPaths { dynamic += little(29, UInt64(ElfImage.factorySymbol.utf8.count + 2)) }
        dynamic += little(0, 0) as [UInt8]
        let symbol = little(1 as UInt32) + [0x12, 0] + little(1 as UInt16) + little(0 as UInt64, 0)
        var hash = little(1, symbols.first, 1, 0) + little(0 as UInt64)
        hash += little(symbols.last, symbols.first == symbols.last && symbols.first > 1 ? 0 : 1)
        let size = hashAt + UInt64(hash.count)
        var bytes = header
        bytes[32] = 64
        bytes[56] = UInt8(headers)
        bytes += little(1 as UInt32, 5) + little(0, 0, 0, size, size, 4096)
        bytes += little(2 as UInt32, 6) + little(dynamicAt, dynamicAt, dynamicAt, UInt64(dynamic.count), UInt64(dynamic.count), 8)
        if let stack { bytes += little(0x6474_E551, stack) + little(0 as UInt64, 0, 0, 0, 0, 16) }
        return bytes + dynamic + [UInt8](repeating: 0, count: 24) + symbol + names + hash
    }

    @Test func readsAWholeLibrary() throws {
        #expect(reason(library()) == "accepted")
        #expect(try ElfImage(library(runPaths: 2, path: "/a:/b")).runPaths == ["/a", "/b", "/a", "/b"])
    }

    /// The loader makes all stacks of the process executable for one such library.
    @Test func executableStacksAreRefused() {
        #expect(reason(library(stack: 6)) == "accepted")
        #expect(reason(library(stack: 7)) == "It wants a stack that can be executed; link it with -z noexecstack.")
    }

    /// Found by the fuzzer: the number of the symbol behind the last possible one trapped.
    @Test func lastPossibleSymbolIsRefusedNotTrapped() {
        #expect(reason(library(symbols: (.max, .max))).contains("is needed"))
    }

    /// One name in the file, named thousands of times, grew to a thousand times the file.
    @Test func tooManyNamesAreRefused() {
        let path = String(repeating: "a:", count: 2000)
        #expect(reason(library(runPaths: 100, path: path)) == "It names more than 256 libraries and directories.")
        #expect(reason(library(runPaths: 256)) == "accepted")
        #expect(reason(library(runPaths: 257)).contains("more than 256"))
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
