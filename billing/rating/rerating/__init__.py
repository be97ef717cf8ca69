"""Lines are rated again: after a price changed, or because what they charge for was wrong.

wanted      which lines, as it is asked and kept
choosing    those of them that are open, and all that is added up together with them
correcting  what was wrong of a line
recurring   charges that recur or come once, by the statements that charge them
prepaid     what draws on what was paid before, all of a balance together
pricing     they become usage once more and are priced by the statements that rate loads
writing     what costs something else is taken back and written anew; the rest stays as it is
telling     what came of it, by account, product, invoice and currency, and line by line
running     all of it in one transaction, of which a preview keeps nothing
runs        RERATE records: what is to be rated again, which workers carry out
wishes      prices and plans that changed ask for it
asked, api, pages   so do people and programs
run_page    how far a RERATE has come, as the admin shows it

So there is one way to price, a preview is what would happen, and doing it again changes nothing.
"""
