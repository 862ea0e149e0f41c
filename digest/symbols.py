"""The characters behind LaTeX's commands: tables only, no rules (those are in `digest.latex`)."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """A closed list of words, written as one reads them."""
    return frozenset(text.split())


def _table(pairs: str) -> dict[str, str]:
    """`name character name character …` as a mapping."""
    words = pairs.split()
    return dict(zip(words[::2], words[1::2], strict=True))


#: Combining marks, by the accent command that asks for them.
ACCENTS = {
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    '"': "\u0308",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "c": "\u0327",
    "k": "\u0328",
    "r": "\u030a",
    "d": "\u0323",
    "b": "\u0331",
    "hat": "\u0302",
    "widehat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0304",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "vec": "\u20d7",
    "dot": "\u0307",
    "ddot": "\u0308",
    "check": "\u030c",
    "breve": "\u0306",
    "acute": "\u0301",
    "grave": "\u0300",
}

#: Letters of European languages.
LETTERS = _table("ss ß o ø O Ø l ł L Ł ae æ AE Æ oe œ OE Œ aa å AA Å i ı j ȷ dh ð th þ dj đ DJ Đ")

SPACES = {
    ",": " ",
    ";": " ",
    ":": " ",
    " ": " ",
    "\n": " ",
    "!": "",
    "/": "",
    "@": "",
    "(": "(",
    ")": ")",
    "[": "[",
    "]": "]",
    "|": "‖",
    "quad": " ",
    "qquad": " ",
    "newline": " ",
    "par": " ",
    "xspace": "",
    "noindent": "",
    "protect": "",
}

SYMBOLS = _table(
    "alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι "
    "kappa κ lambda λ mu μ nu ν xi ξ pi π varpi ϖ rho ρ varrho ϱ sigma σ varsigma ς tau τ "
    "upsilon υ phi φ varphi φ chi χ psi ψ omega ω "
    "Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Upsilon Υ Phi Φ Psi Ψ Omega Ω "
    "times × div ÷ pm ± mp ∓ cdot · ast * star ⋆ circ ∘ bullet • oplus ⊕ otimes ⊗ odot ⊙ "
    "leq ≤ le ≤ geq ≥ ge ≥ leqslant ≤ geqslant ≥ neq ≠ ne ≠ ll ≪ gg ≫ approx ≈ sim ~ simeq ≃ "
    "lesssim ≲ gtrsim ≳ cong ≅ equiv ≡ propto ∝ prec ≺ succ ≻ lt < gt > "
    "in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇ cup ∪ cap ∩ setminus ∖ "
    "emptyset ∅ varnothing ∅ forall ∀ exists ∃ nexists ∄ neg ¬ lnot ¬ land ∧ wedge ∧ lor ∨ vee ∨ "
    "to → rightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ "
    "longrightarrow ⟶ longleftarrow ⟵ mapsto ↦ uparrow ↑ downarrow ↓ implies ⇒ iff ⇔ "
    "infty ∞ partial ∂ nabla ∇ sum ∑ prod ∏ int ∫ iint ∬ oint ∮ ell ℓ hbar ℏ Re ℜ Im ℑ aleph ℵ "
    "angle ∠ perp ⊥ parallel ∥ mid | vert | Vert ‖ langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ "
    "rceil ⌉ lbrace { rbrace } lbrack [ rbrack ] ldots … dots … cdots ⋯ vdots ⋮ prime ′ dagger † "
    "ddagger ‡ sharp ♯ flat ♭ square □ Box □ triangle △ checkmark ✓ top ⊤ bot ⊥ models ⊨ vdash ⊢ "
    "degree ° deg ° textdegree ° textperthousand ‰ boxtimes ⊠ eg e.g. ie i.e. etc etc. "
    "sun ☉ S § P ¶ copyright © pounds £ euro € "
    "textmu μ texttimes × textpm ± textasciitilde ~ textasciicircum ^ textbackslash \\ "
    "textendash – textemdash — textquoteright ’ textquoteleft ‘ textquotedblleft “ "
    "textquotedblright ” textregistered ® texttrademark ™ backslash \\ colon : lq ‘ rq ’"
)

BLACKBOARD = {
    **dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)),
    **{c: chr(0x1D538 + ord(c) - 65) for c in "ABDEFGIJKLMOSTUVWXY"},
    "1": "𝟙",
}

SUPERSCRIPTS = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzT∘*†′",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ°*†′",
        strict=True,
    )
)

SUBSCRIPTS = dict(
    zip("0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True)
)
