import Foundation
import SpindleCore
import SpindlePlugins

/// Any bytes as the file beside a plugin.
enum SidecarTarget {
    private static let file = "http.yaml"

    static func test(_ bytes: [UInt8]) {
        do throws(SpindleError) {
            let sidecar = try Sidecar.parse(bytes, file: file)
            lies(sidecar.concurrency, in: Limits.slots)
            lies(sidecar.concurrencyPerWorker, in: 1...4096)
            lies(sidecar.maxTimeout, in: Limits.timeout)
            lies(sidecar.maxRetries, in: Limits.retries)
            lies(sidecar.policy.timeout, in: Limits.timeout)
            lies(sidecar.policy.maxRetries, in: Limits.retries)
            lies(sidecar.policy.jitterPermille, in: 0...1000)
            isJSON(sidecar.config)
            for instance in sidecar.executors {
                isType(instance.type)
                isType(instance.uses)
                isJSON(instance.config)
            }
            for type in sidecar.types ?? [] { isType(type) }
        } catch {
            check(error.code == .configuration, "a refusal is one of the configuration")
            check(error.message.hasPrefix(file), "a refusal names the file: \(error.message)")
            check(error.message.utf8.count < 4096, "a refusal is a sentence: \(error.message)")
        }
    }

    private static func lies<Number: FixedWidthInteger>(_ value: Number?, in range: ClosedRange<Number>) {
        if let value { check(range.contains(value), "\(value) lies in \(range)") }
    }

    private static func isType(_ text: String) {
        check((1...Limits.executorType).contains(text.utf8.count), "a type has a name of a legal length")
        check(text == text.lowercased() && text.utf8.allSatisfy { $0 < 128 }, "a type is in lower case: \(text)")
    }

    /// A plugin gets an object of JSON.
    private static func isJSON(_ text: String?) {
        guard let text else { return }
        check(text.utf8.count <= Sidecar.maxBytes * 4, "a configuration has a bound")
        do {
            let value = try JSONSerialization.jsonObject(with: Data(text.utf8))
            check(value is [String: Any], "a configuration is an object: \(text)")
        } catch {
            check(false, "a configuration is JSON: \(error): \(text)")
        }
    }
}
