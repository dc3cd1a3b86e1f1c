import Foundation
import SpindleCore
import Synchronization
import Testing

@Suite struct ParameterValues {
    @Test func orderAndUniqueness() {
        var parameters: Parameters = ["b": "1", "a": "2", "b": "3"]
        #expect(parameters.entries.map(\.name) == ["b", "a"] && parameters["b"] == "3")
        parameters["b"] = nil
        parameters["none"] = nil
        #expect(parameters == ["a": "2"] && parameters["b"] == nil)
        #expect(Parameters(["b": "1", "a": "2"]).entries.map(\.name) == ["a", "b"])
        #expect(Parameters(["ä": "ö"]).byteCount == 4)
        #expect(Parameters().isEmpty && Parameters().byteCount == 0)
    }

    @Test func mergingPrefersTheOther() {
        let merged = Parameters(["a": "1", "b": "2"]).merging(["b": "3", "c": "4"])
        #expect(merged.dictionary == ["a": "1", "b": "3", "c": "4"] && merged.count == 3)
    }

    @Test func payloadText() {
        #expect(Payload("ö").bytes == [0xC3, 0xB6])
        #expect(Payload([0xFF, 0x41]).text == "\u{FFFD}A")
    }
}

@Suite struct JSONValues {
    private func read(_ text: String) throws -> JSONValue { try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) }

    @Test func readsEveryKind() throws {
        let value = try read(#"{"n":null,"t":true,"i":-9223372036854775808,"d":1.5,"s":"x","a":[1,"2",[]],"o":{}}"#)
        #expect(value == ["n": nil, "t": true, "i": .int(.min), "d": 1.5, "s": "x", "a": [1, "2", []], "o": [:]])
    }

    @Test func keepsWhatItWrites() throws {
        let value: JSONValue = ["a": [1, 2.5, "\u{0}\"\\", true, nil], "b": ["c": .double(1e300)]]
        #expect(try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value)) == value)
    }

    @Test func largeNumbersStayNumbers() throws {
        #expect(try read("9223372036854775808") == .double(9_223_372_036_854_775_808))
        #expect(try read("1") == .int(1) && read("0") == .int(0))
    }

    @Test(arguments: ["", "{", "nul", "01", "[1", "\"\\ud800\""]) func refuses(_ text: String) {
        #expect(throws: (any Error).self) { try read(text) }
    }
}

@Suite struct Cancellations {
    @Test func firstReasonStaysAndEveryHandlerIsCalledOnce() {
        let cancellation = Cancellation()
        let heard = Mutex<[CancelReason]>([])
        cancellation.onCancel { reason in heard.withLock { $0.append(reason) } }
        #expect(!cancellation.isCancelled)
        cancellation.cancel(.user)
        cancellation.cancel(.timeout)
        cancellation.onCancel { reason in heard.withLock { $0.append(reason) } }
        #expect(cancellation.reason == .user)
        #expect(heard.withLock { $0 } == [.user, .user])
    }
}

@Suite struct Bounds {
    @Test func resultsSayWhatTheyAre() {
        #expect(ExecutionResult.success("x").resultData == "x" && ExecutionResult.success().success)
        #expect(
            ExecutionResult.failure("x").class == .retryable && ExecutionResult.failure("x", permanent: true).class == .permanent
        )
        #expect(Job(id: JobID(UUIDv7(high: 0, low: 0)), executorType: "HTTP", target: "").executorType == "http")
    }

    @Test func limitsFitTogether() {
        #expect(Limits.timeout.contains(JobPolicy().timeout))
        #expect(Limits.retries.contains(JobPolicy().retry.maxRetries))
        #expect(Limits.delay.contains(JobPolicy().retry.maxDelay))
        #expect(Limits.payload > Limits.parameters && Limits.log > Limits.logLine)
    }
}
