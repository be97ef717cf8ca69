import pytest, json
pytestmark=pytest.mark.django_db
def test_probe(system=None):
    from metabrm.identity.context import Context
    from entities import records
    from entities.query import query, retrieve_where, retrieve_ids, compile
    from entities.schema import snapshot
    from entities.errors import RequestError
    c=Context.system("t")
    s=snapshot.current()
    print(len(s.entities), sorted(e.name for e in s.entities.values()))
    for q in ["select * from account","select Id, Name, Status from ACCOUNT","select id, entityobj.EntityName, EntityIdObj.entity_label from entity_field f where f.EntityObj.EntityName = 'ACCOUNT' and field_name like 'A%' order by 2 fetch next 3 rows only","select count(*) c, max(created) m, entityobj.entityname from entity_field group by entityobj.entityname order by c desc fetch next 2 rows only",
      "select Id nme from countr","select distinct DataType from entity_field order by datatype desc","select Id, upper(CountryCode) x, 1+2*3 y, case when Id>5 then 'big' else 'small' end z from country offset 2 rows fetch next 2 rows only","select Id from country where Id = 'abc'","select foo(1) from country","select Id, Id, Name from country order by nme","select Id from country where 1=1 and Created > '2020-01-01' and Created < '2999-01-01T00:00:00Z' limit 2 offset 3","select Id from country where id in (1,'2',3.0)","select Id from country c join currency d on c.id=d.id","select a.Id, from country a", "select count(id) from country","select Id from account where exists (select 1 from account)"]:
        try: p=query(q,c,snapshot=s); print('OK',q,'->',p.count,p.json[:300])
        except RequestError as e: print('ERR',q,'->',e.code,e.message,e.position)
    print(retrieve_where('country',"countrycode='US' order by id",c,snapshot=s))
    print(retrieve_where('country',"",c,snapshot=s).count, retrieve_where('country',"limit 2",c,snapshot=s).count)
    print(retrieve_ids('country',[1,2,10**30],c,snapshot=s).count)
    print(compile("select id, entityobj.EntityName from entity_field where fieldname='x' order by Created desc",s,c))
