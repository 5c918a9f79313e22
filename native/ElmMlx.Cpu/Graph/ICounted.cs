namespace ElmMlx.Cpu;

/// <summary>What several hold, and what ends when the last one lets go.</summary>
internal interface ICounted
{
    void Retain();

    void Release();
}
