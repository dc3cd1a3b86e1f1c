import SpindleCore
import Testing

@Suite struct ResultMetadataTests {
    private func texts(_ items: [([UInt8], [UInt8])]) -> ResultMetadata {
        // Each piece only lives as long as the call that gives it.
        var kept: [UnsafeMutableRawBufferPointer] = []
        defer { for piece in kept { piece.deallocate() } }
        func piece(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
            copy.copyBytes(from: bytes)
            kept.append(copy)
            return UnsafeRawBufferPointer(copy)
        }
        return ResultMetadata(count: items.count) { (piece(items[$0].0), piece(items[$0].1)) }
    }

    @Test func textsOfAPluginAreTheSameAsValues() {
        let metadata = texts([(Array("a\"\n".utf8), Array("ü\\".utf8)), (Array("b".utf8), [])])
        let values: [String: JSONValue] = ["a\"\n": "ü\\", "b": ""]
        #expect(metadata.values == values)
        #expect(metadata == ResultMetadata(values) && metadata.hashValue == ResultMetadata(values).hashValue)
        #expect(!metadata.isEmpty)
        #expect(metadata.text == #"{"a\"\n":"ü\\","b":""}"#)
    }

    @Test func thereMayBeNone() {
        #expect(texts([]).isEmpty && texts([]).values.isEmpty && texts([]) == ResultMetadata([:]))
        #expect(ResultMetadata([:]).text == "{}")
    }

    @Test func whatIsNoUTF8IsRepaired() {
        #expect(texts([([0xFF], [0x61, 0xC3])]).values == ["\u{FFFD}": "a\u{FFFD}"])
    }

    @Test func ofANameThatIsThereTwiceTheFirstCounts() {
        #expect(texts([([0x61], [0x31]), ([0x61], [0x32])]).values == ["a": "1"])
    }

    @Test func aResultShowsAndTakesValues() {
        var result = ExecutionResult.success()
        result.keptMetadata = texts([(Array("status".utf8), Array("200".utf8))])
        #expect(result.metadata == ["status": "200"])
        result.metadata["more"] = 1
        #expect(result.keptMetadata.values == ["status": "200", "more": 1])
        #expect(result == ExecutionResult(class: .success, metadata: ["status": "200", "more": 1]))
    }
}
