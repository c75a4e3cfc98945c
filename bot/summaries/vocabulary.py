"""The words of a text that carry its content, folded; those that only hold sentences together are left out."""

from __future__ import annotations

from collections.abc import Iterator

from bot.language import tokens as words_of
from bot.language.sentences import UNSPACED

#: Words that hold sentences together in English, German, French, Spanish, Italian, Portuguese and Dutch; of other
#: languages short words are left out.
_FUNCTION_WORDS = frozenset(
    words_of.fold(word)
    for word in """
    a aan aber about according added after again al all alla als also am among an anche and another any ao are
    as at au auch auf aus aux avec be because been before bei being between bij bin bis both but by can ce ces
    cette che chi com come comme como con could cuando da dal dalla dans das dass dat de dei del della dem den
    der des desde di did die dit do doch does donde door dos dr du durch during e each een ein eine einem einen
    einer either el ella elle else em en entre er era es est esta este et even ever few foi for from fue further
    für get gli got ha had han has hat hatte have having hay he her here hers het hij him his how however i ich
    if ihr ik il ils im in into is ist it its itself ja je just kann la las last le les leur like lo los lui ma
    maar made mais make many may me met might mit more most mr mrs ms much must muy my más na naar nach nas ne
    near nel nella new nicht niet no noch nog non nor nos not nous now nur não o oder of off om on once one only
    ook op or os other ou our out over own où par para pas pela pelo per pero più plus por pour put qu quando
    que questo qui sa said same say saying says se ses she should si sich sie sin since sind so sobre some son
    sono sont still su sua such suo sur sus são también te than that the their them then there these they this
    those though through time to told too tot uit um uma un una und under une uns until up upon us van very vom
    von voor vor vous war was way we well wenn werden were what when where whether which while who whom whose
    why wie will wir wird with within without wordt would y ya year years yet you your zijn zu zum zur à été
    être über
    """.split()
)


def content_words(text: str) -> Iterator[str]:
    """Folded words in order, repeats too; scripts without spaces give pairs of letters.

    >>> list(content_words("The order of the PTA covers 5,000 companies"))
    ['order', 'pta', 'covers', '5,000', 'companies']
    """
    before = None
    for word in words_of.words(text):
        if UNSPACED.match(word.text):
            if before is not None and before.end == word.start:
                yield before.text + word.text
            before = word
            continue
        before = None
        folded = words_of.drop_accents(words_of.fold_case(word.text))
        if folded not in _FUNCTION_WORDS and (len(folded) > 2 or folded[0].isdigit() or word.text.isupper()):
            yield folded
