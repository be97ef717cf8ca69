"""Lines are rated again: after a price changed, or because what they charge for was wrong.

choosing   which lines: those of a wish that are open, and all that is added up together with them
pricing    they become usage once more and are priced by the statements that rate loads
writing    what costs something else is taken back and written anew; the rest stays as it is
telling    what came of it, by account, product, invoice and currency, and line by line
running    all of it in one transaction, of which a preview keeps nothing
wishes     what is still to be rated again, as RERATE records that workers take up

So there is one way to price, a preview is what would happen, and doing it again changes nothing.
"""
