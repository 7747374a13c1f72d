namespace NsBridge.Configuration.Reading;

/// <summary>What may stand at a key.</summary>
internal enum KeyKind
{
    Value,
    ValueOrList,
    Section,
    SectionList,

    /// <summary>Anything: it belongs to the framework.</summary>
    Foreign,
}
