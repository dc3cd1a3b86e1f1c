import Foundation
import SpindleCore
import Testing

@Suite struct JSONSchemas {
    private func value(_ text: String) throws -> JSONValue { try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)) }

    /// A schema, values that fit, and values that do not.
    private static let cases: [(String, [String], [String])] = [
        ("true", ["1", "{}"], []), ("false", [], ["1", "{}"]), ("{}", ["null", "[]"], []),
        (#"{"type":"integer"}"#, ["1", "1.0", "-3"], ["1.5", "\"1\"", "true", "null"]),
        (#"{"type":["number","null"]}"#, ["1.5", "null", "2"], ["\"x\"", "[]"]),
        (#"{"type":"boolean"}"#, ["true"], ["0", "\"true\""]),
        (#"{"enum":["a",1,null]}"#, ["\"a\"", "1", "1.0", "null"], ["\"b\"", "2", "false"]),
        (#"{"const":{"a":[1]}}"#, [#"{"a":[1]}"#], [#"{"a":[2]}"#, "{}"]),
        (#"{"minimum":1,"maximum":3}"#, ["1", "3", "\"x\""], ["0", "3.1"]),
        (#"{"exclusiveMinimum":1,"exclusiveMaximum":3}"#, ["2"], ["1", "3"]),
        (#"{"multipleOf":0.1}"#, ["0.3", "7"], ["0.25"]),
        (#"{"minLength":2,"maxLength":3}"#, ["\"ab\"", "\"äöü\"", "1"], ["\"a\"", "\"abcd\""]),
        (#"{"pattern":"^[a-z]+\\d?$"}"#, ["\"ab1\"", "\"a\""], ["\"1a\"", "\"ab12\""]),
        (#"{"minItems":1,"maxItems":2,"uniqueItems":true}"#, ["[1]", "[1,2]", "{}"], ["[]", "[1,1]", "[1,2,3]"]),
        (#"{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}}"#, [#"["a",1,2]"#, "[]"], ["[1]", #"["a","b"]"#]),
        (#"{"contains":{"const":1},"maxContains":2}"#, ["[1]", "[0,1,1]"], ["[]", "[1,1,1]"]),
        (#"{"contains":{"const":1},"minContains":0}"#, ["[]", "[2]"], []),
        (#"{"required":["a"],"properties":{"a":{"type":"string"}}}"#, [#"{"a":"x","b":1}"#, "3"], ["{}", #"{"a":1}"#]),
        (
            #"{"properties":{"a":{}},"patternProperties":{"^x-":{"type":"integer"}},"additionalProperties":false}"#,
            [#"{"a":null,"x-1":2}"#], [#"{"b":1}"#, #"{"x-1":"2"}"#]
        ),
        (#"{"additionalProperties":{"type":"integer"}}"#, [#"{"a":1}"#], [#"{"a":"1"}"#]),
        (#"{"minProperties":1,"maxProperties":1}"#, [#"{"a":1}"#], ["{}", #"{"a":1,"b":2}"#]),
        (#"{"propertyNames":{"maxLength":2}}"#, [#"{"ab":1}"#], [#"{"abc":1}"#]),
        (#"{"dependentRequired":{"a":["b"]}}"#, [#"{"a":1,"b":2}"#, #"{"b":1}"#], [#"{"a":1}"#]),
        (#"{"dependentSchemas":{"a":{"required":["b"]}}}"#, [#"{"a":1,"b":2}"#, "{}"], [#"{"a":1}"#]),
        (#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, ["1"], ["0", "3"]),
        (#"{"anyOf":[{"type":"string"},{"minimum":2}]}"#, ["\"a\"", "2"], ["1"]),
        (#"{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}"#, ["2", "3"], ["1", "6"]),
        (#"{"not":{"type":"string"}}"#, ["1"], ["\"a\""]),
        (#"{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":2}}"#, ["\"ab\"", "2"], ["\"a\"", "1"]),
        (##"{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"integer"}}}"##, ["1"], ["\"a\""]),
        (
            ##"{"properties":{"next":{"$ref":"#"},"name":{"type":"string"}},"required":["name"]}"##,
            [#"{"name":"a","next":{"name":"b"}}"#], [#"{"name":"a","next":{}}"#]
        ),
        (#"{"format":"email","title":"x","unknown":{"a":1}}"#, ["\"no\""], []),
    ]

    @Test(arguments: cases.indices) func judges(_ index: Int) throws {
        let (text, fitting, others) = Self.cases[index]
        let schema = try JSONSchema(text)
        for text in fitting { #expect(schema.violation(in: try value(text)) == nil, "\(schema.text) \(text)") }
        for text in others { #expect(schema.violation(in: try value(text)) != nil, "\(schema.text) \(text)") }
    }

    @Test func saysWhereAndWhat() throws {
        let schema = try JSONSchema(
            #"{"properties":{"a/b":{"items":{"maximum":2}},"programs":{},"mode":{"enum":["on","off"]}},"additionalProperties":false}"#
        )
        #expect(schema.violation(in: ["a/b": [1, 5]]) == SchemaViolation(pointer: "/a~1b/1", message: "must be at most 2"))
        let unknown = SchemaViolation(pointer: "/program", message: "is not known here; did you mean \"programs\"?")
        #expect(schema.violation(in: ["program": 1]) == unknown)
        #expect(schema.violation(in: ["mode": "up"])?.message == "must be one of on, off")
        #expect(schema.violation(inJSON: "{")?.message == "is not JSON")
    }

    @Test func readsParametersAsTheirTypes() throws {
        let schema = try JSONSchema(
            #"""
            {"type":"object","required":["n"],"additionalProperties":{"type":"string"},
             "properties":{"n":{"type":"integer","minimum":0},"r":{"type":"number"},"f":{"type":"boolean"},
                           "l":{"type":"array","items":{"type":"string"}},"e":{"enum":["1",2]},"s":{"type":"string"}},
             "patternProperties":{"^x_":{"type":"integer"}}}
            """#
        )
        let fits: Parameters = [
            "n": "3", "r": "-1.5e3", "f": "TRUE", "l": #"["a"]"#, "e": "2", "s": "12", "x_1": "7", "other": "true",
        ]
        #expect(schema.violation(in: fits) == nil)
        #expect(schema.violation(in: Parameters())?.message == "is missing")
        let wrong: [(String, String, String)] = [
            ("n", "x", "must be a whole number"), ("n", "-1", "must be at least 0"), ("n", "1.0", "must be a whole number"),
            ("r", "nan", "must be a number"), ("r", "0x10", "must be a number"), ("f", "yes", "must be true or false"),
            ("l", "a", "must be a list"), ("l", "[1]", "must be text"), ("x_1", "a", "must be a whole number"),
            ("e", "3", "must be one of 1, 2"),
        ]
        for (name, text, message) in wrong {
            var parameters: Parameters = ["n": "1"]
            parameters[name] = text
            #expect(schema.violation(in: parameters)?.message == message, "\(name)=\(text)")
        }
    }

    @Test(arguments: [
        "", "3", "[]", #"{"type":"text"}"#, #"{"minimum":"1"}"#, #"{"required":[1]}"#, #"{"pattern":"["}"#, #"{"items":5}"#,
        #"{"$ref":"https://example.org/s"}"#, ##"{"$ref":"#/nowhere"}"##, #"{"multipleOf":0}"#, #"{"minLength":-1}"#,
        #"{"minItems":3,"maxItems":2}"#,
    ])
    func refusesWhatIsNoSchema(_ text: String) {
        let error = #expect(throws: SpindleError.self) { try JSONSchema(text) }
        #expect(error?.code == .configuration)
    }

    @Test func isBounded() throws {
        let deep = String(repeating: #"{"items":"#, count: 100) + "{}" + String(repeating: "}", count: 100)
        #expect(throws: SpindleError.self) { try JSONSchema(deep) }
        // One that refers to itself without going into the value fits nothing, and ends.
        let endless = try JSONSchema(##"{"allOf":[{"$ref":"#"}]}"##)
        #expect(endless.violation(in: 1) != nil)
        // Each level asks twice: 2^128 questions if nobody counted. `not` must not make a yes of what was not asked.
        for doubling in [##"{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}"##, ##"{"not":{"anyOf":[{"not":{"$ref":"#"}},{"$ref":"#"}]}}"##] {
            #expect(try JSONSchema(doubling).violation(in: 1)?.message == "takes too long to check")
        }
        let pattern = try JSONSchema(#"{"pattern":"^a*$"}"#)
        #expect(pattern.violation(in: .string(String(repeating: "a", count: 5000))) != nil)
    }
}
